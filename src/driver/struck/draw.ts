/** What the dice decide of an action: how long, which blocks, which bytes.
 *  Source: faults.md section 1 (Action, Dice). */

import type { Corruption, Delay, Kept } from '../../rules/actions.ts';
import type { Dice } from '../../rules/dice.ts';
import type { Nanoseconds } from '../../units.ts';

/** Of the standard normal distribution: 99 % lie below. */
const NORMAL_P99 = 2.3263478740408408;

/** @param nth how many delays the rule has had before. */
export function drawDelay(delay: Delay, dice: Dice, nth: number): Nanoseconds {
  return Math.round(delayNs(delay, dice, nth)) as Nanoseconds; // a product of what is not negative
}

function delayNs(delay: Delay, dice: Dice, nth: number): number {
  switch (delay.form) {
    case 'fixed':
      return delay.ns;
    case 'uniform':
      return delay.min + dice.unit() * (delay.max - delay.min);
    case 'exponential':
      return -Math.log(1 - dice.unit()) * delay.mean;
    case 'lognormal': {
      const sigma = Math.log(delay.p99 / delay.median) / NORMAL_P99;
      return delay.median * Math.exp(sigma * normal(dice));
    }
    case 'trace':
      return delay.each[nth % delay.each.length] ?? 0;
  }
}

/** Box and Muller's transformation of two draws. */
function normal(dice: Dice): number {
  const radius = Math.sqrt(-2 * Math.log(1 - dice.unit()));
  return radius * Math.cos(2 * Math.PI * dice.unit());
}

export interface BlockRange {
  readonly first: number;
  readonly count: number;
}

/** The blocks of a write that are stored, of `blocks` in all, in order. */
export function drawKept(kept: Kept, blocks: number, dice: Dice): BlockRange[] {
  switch (kept.form) {
    case 'first':
      return ranges([[0, kept.count - 1]], blocks);
    case 'last':
      return ranges([[blocks - Math.min(kept.count, blocks), blocks - 1]], blocks);
    case 'blocks':
      return ranges(
        kept.ranges.toSorted(([a], [b]) => a - b),
        blocks,
      );
    case 'random': {
      const chosen: [number, number][] = [];
      for (let block = 0; block < blocks; block++) {
        if (dice.word() >= 2 ** 31) chosen.push([block, block]);
      }
      return ranges(chosen, blocks);
    }
  }
}

/** In order, joined where they touch or overlap, and cut at the end. */
function ranges(
  given: readonly (readonly [first: number, last: number])[],
  blocks: number,
): BlockRange[] {
  const joined: { first: number; count: number }[] = [];
  let end = 0;
  for (const [from, last] of given) {
    const first = Math.max(from, end);
    const count = Math.min(last + 1, blocks) - first;
    if (count <= 0) continue;
    const before = joined.at(-1);
    if (before !== undefined && before.first + before.count === first) before.count += count;
    else joined.push({ first, count });
    end = first + count;
  }
  return joined;
}

/** For the log: `0-2,5`. */
export function keptText(kept: readonly BlockRange[]): string {
  const texts = kept.map(({ first, count }) =>
    count === 1 ? `${first}` : `${first}-${first + count - 1}`,
  );
  return texts.join(',') || 'none';
}

/** Changes bytes from `start` up to `end`, as dice say. @param at byte by its place; @returns the bits or
 *  bytes that were changed, for the log. */
export function corrupt(
  how: Corruption,
  bytes: number,
  dice: Dice,
  change: (at: number, to: (byte: number) => number) => void,
): string {
  if (bytes === 0) return 'none';
  switch (how.form) {
    case 'bits': {
      const bits = new Set<number>();
      const most = Math.min(how.count, bytes * 8);
      while (bits.size < most) bits.add(dice.below(bytes * 8));
      for (const bit of bits) change(Math.floor(bit / 8), (byte) => byte ^ (1 << (bit % 8)));
      return [...bits].slice(0, BITS_TOLD).join(',');
    }
    case 'xor':
      for (let at = 0; at < bytes; at++) change(at, (byte) => byte ^ how.byte);
      return `${bytes} bytes`;
    case 'fill':
      for (let at = 0; at < bytes; at++) change(at, () => how.byte);
      return `${bytes} bytes`;
    case 'random':
      for (let at = 0; at < bytes; at++) change(at, () => dice.word() >>> 24);
      return `${bytes} bytes`;
  }
}

const BITS_TOLD = 64;
