/** What the dice decide of an action: how long, which blocks, which bytes.
 *  Source: faults.md section 1 (Action, Dice). */

import type { Bio } from '../../block/bio.ts';
import type { Segments } from '../../pages/segments.ts';
import type { Corruption, Delay, Kept } from '../../rules/actions.ts';
import { Dice } from '../../rules/dice.ts';
import type { Rule } from '../../rules/rule.ts';
import { bug, type Nanoseconds, SECTOR_BYTES } from '../../units.ts';
import type { CutKeep, CutWish } from '../snapshots/power-cut.ts';
import { changeBytes } from './data.ts';

/** Of the standard normal distribution: 99 % lie below. */
const NORMAL_P99 = 2.3263478740408408;

/** @param nth of a trace: how many delays the rule has had before. */
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

/** For the log: `0-2,5`, cut where there are very many. */
export function keptText(kept: readonly BlockRange[]): string {
  const texts = kept
    .slice(0, RANGES_TOLD)
    .map(({ first, count }) => (count === 1 ? `${first}` : `${first}-${first + count - 1}`));
  if (kept.length > RANGES_TOLD) texts.push('...');
  return texts.join(',') || 'none';
}

const RANGES_TOLD = 64;

/** What a power cut keeps. @param detail of the log: what makes the same cut again. */
export function drawCut(
  keep: CutKeep,
  dice: Dice,
  detail: Record<string, string | number>,
): CutWish {
  detail['cut'] = keep;
  if (keep === 'none' || keep === 'all') return { keep };
  const seed = dice.word();
  detail['seed'] = seed;
  return { keep, seed };
}

/** A change of some of a command's bytes, done in portions since there may be many. */
export class DataChange {
  readonly #how: Corruption;
  readonly #segments: Segments;
  readonly #dice: Dice;
  #at: number;
  readonly #end: number;

  /** Of bytes [start, end). @param dice what is drawn comes from them. */
  constructor(how: Corruption, segments: Segments, start: number, end: number, dice: Dice) {
    this.#how = how;
    this.#segments = segments;
    this.#at = start;
    this.#end = Math.max(start, end);
    this.#dice = dice;
  }

  get over(): boolean {
    return this.#at === this.#end;
  }

  /** Begins: bits are all changed at once. @returns the bits or bytes that are changed, for the log. */
  begin(): string {
    const bytes = this.#end - this.#at;
    if (bytes === 0) return 'none';
    if (this.#how.form !== 'bits') return `${bytes} bytes`;
    const bits = drawBits(this.#how.count, bytes, this.#dice);
    for (const bit of bits) {
      const at = this.#at + Math.floor(bit / 8);
      changeBytes(this.#segments, at, at + 1, (byte) => byte ^ (1 << (bit % 8)));
    }
    this.#at = this.#end;
    return bitsText(bits);
  }

  /** Changes the next ones. @param most bytes that it may count for. @returns for how many it counted. */
  proceed(most: number): number {
    const weight = this.#how.form === 'random' ? DRAWN_BYTES : 1;
    const start = this.#at;
    this.#at = Math.min(this.#end, start + Math.ceil(most / weight));
    changeBytes(this.#segments, start, this.#at, this.#changed());
    return (this.#at - start) * weight;
  }

  #changed(): (byte: number) => number {
    const how = this.#how;
    switch (how.form) {
      case 'xor':
        return (byte) => byte ^ how.byte;
      case 'fill':
        return () => how.byte;
      case 'random':
        return () => this.#dice.word() >>> 24;
      case 'bits':
        return bug('bits are changed at once');
    }
  }
}

/** Different bits of so many bytes. */
function drawBits(count: number, bytes: number, dice: Dice): ReadonlySet<number> {
  const bits = new Set<number>();
  const most = Math.min(count, bytes * 8);
  while (bits.size < most) bits.add(dice.below(bytes * 8));
  return bits;
}

/** For the log, cut where there are very many. */
function bitsText(bits: ReadonlySet<number>): string {
  return [...bits].slice(0, BITS_TOLD).join(',');
}

const BITS_TOLD = 64;
/** What a byte that dice give counts for. */
const DRAWN_BYTES = 8;

/** What a rule changes of a command's data: the sectors that it names, or all. */
export function corruption(rule: Rule, bio: Bio, dice: Dice): DataChange {
  const { from, end } = corrupted(rule, bio);
  return new DataChange(howOf(rule), bio.segments, from, Math.min(end, bio.segments.bytes), dice);
}

/** The same for the log, before there are data. @param dice as the change will begin with; they are left as
 *  they are. */
export function corruptionText(rule: Rule, bio: Bio, dice: Dice): string {
  const how = howOf(rule);
  const { from, end } = corrupted(rule, bio);
  if (how.form !== 'bits') return `${end - from} bytes`;
  const own = new Dice();
  own.copy(dice);
  return bitsText(drawBits(how.count, end - from, own));
}

function howOf({ action }: Rule): Corruption {
  return action?.kind === 'corrupt' ? action.how : bug('a corruption without bytes');
}

/** Bytes of the command. */
function corrupted({ match }: Rule, { sector, sectors }: Bio): { from: number; end: number } {
  const { first, last } = match.sectors ?? { first: sector, last: sector + sectors - 1 };
  const from = Math.max(0, first - sector) * SECTOR_BYTES;
  return { from, end: Math.min(sectors, last + 1 - sector) * SECTOR_BYTES };
}

/** Zeroes in place of all of it. */
export function blanking(segments: Segments, dice: Dice): DataChange {
  return new DataChange({ form: 'fill', byte: 0 }, segments, 0, segments.bytes, dice);
}
