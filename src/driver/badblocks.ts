/** Bad blocks: a sorted set of sector ranges, and the step that fails what touches one. Knows neither
 *  data nor zones. Source: driver.md section 5. */

import { Command } from '../block/command.ts';
import { Status } from '../block/status.ts';
import { bug, type Sector } from '../units.ts';
import { type Change, parseChanges, rangeLine } from './badblocks-text.ts';
import type { NullOwned } from './completion.ts';
import type { Step } from './path.ts';

/** INVARIANTS
 *  RANGES: #firsts[i] <= #lasts[i], and #lasts[i] + 1 < #firsts[i + 1]: sorted, apart, both ends
 *  included.
 *  MIRROR: firsts[i] and lasts[i] are the same as numbers. Doubles suffice to compare with the sectors
 *  of a device: rounding keeps the order, and below 2^53 nothing is rounded. */
export class BadBlocks {
  /** Set by the first range written, bad or good: before it the list costs nothing. */
  enabled = false;
  /** Called when `enabled` becomes true, once. */
  onEnabled: () => void = () => {};
  #firsts: bigint[] = [];
  #lasts: bigint[] = [];
  #firstNumbers: number[] = [];
  #lastNumbers: number[] = [];

  /** How many ranges there are. */
  get count(): number {
    return this.#firsts.length;
  }

  /** Takes what is written to the attribute: one range in a line; all of them or none.
   *  @throws ErrnoError EINVAL, ERANGE. */
  write(text: string): void {
    for (const change of parseChanges(text)) this.#apply(change);
    if (this.enabled) return;
    this.enabled = true;
    this.onEnabled();
  }

  /** What reading the attribute shows: `start length` lines, ascending; nothing for an empty list. */
  text(): string {
    return this.#firsts.map((first, at) => rangeLine(first, this.#last(at))).join('');
  }

  /** Remembers the list. @returns what makes it as it is now. */
  save(): () => void {
    const firsts = [...this.#firsts];
    const lasts = [...this.#lasts];
    return () => {
      this.#firsts = firsts;
      this.#lasts = lasts;
      this.#firstNumbers = firsts.map(Number);
      this.#lastNumbers = lasts.map(Number);
    };
  }

  /** The first bad sector of a range, or -1. O(log count). */
  firstBad(sector: number, sectors: number): number {
    const at = this.#reaching(sector);
    const first = this.#firstNumbers[at];
    if (first === undefined || first >= sector + sectors) return -1;
    return Math.max(first, sector);
  }

  /** The whole range that holds `sector` is good from now on. */
  clearRangeAt(sector: number): void {
    const at = this.#reaching(sector);
    const first = this.#firstNumbers[at];
    if (first !== undefined && first <= sector) this.#replace(at, at + 1, []);
  }

  /** The index of the first range that ends at or behind `sector`. */
  #reaching(sector: number): number {
    const lasts = this.#lastNumbers;
    let low = 0;
    let high = lasts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((lasts[middle] ?? 0) < sector) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #apply(change: Change): void {
    const { bad, first, last } = change;
    // A range that only touches joins a bad one, and is nothing to a good one.
    const reach = bad ? 1n : 0n;
    const from = indexWhere(this.#lasts, (end) => end + reach >= first);
    const to = indexWhere(this.#firsts, (start) => start > last + reach);
    const before = from < to ? this.#first(from) : first;
    const behind = from < to ? this.#last(to - 1) : last;
    if (bad) {
      this.#replace(from, to, [[lower(before, first), higher(behind, last)]]);
      return;
    }
    const left: [bigint, bigint][] = [];
    if (before < first) left.push([before, first - 1n]);
    if (behind > last) left.push([last + 1n, behind]);
    this.#replace(from, to, left);
  }

  #replace(from: number, to: number, ranges: readonly (readonly [bigint, bigint])[]): void {
    const firsts = ranges.map(([first]) => first);
    const lasts = ranges.map(([, last]) => last);
    this.#firsts.splice(from, to - from, ...firsts);
    this.#lasts.splice(from, to - from, ...lasts);
    this.#firstNumbers.splice(from, to - from, ...firsts.map(Number));
    this.#lastNumbers.splice(from, to - from, ...lasts.map(Number));
  }

  #first(at: number): bigint {
    return this.#firsts[at] ?? bug('a hole in the bad blocks');
  }

  #last(at: number): bigint {
    return this.#lasts[at] ?? bug('a hole in the bad blocks');
  }
}

// Math.min and Math.max take no bigints.
function lower(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

function higher(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

/** The first index of a sorted list at which `reached` holds, or its length. */
function indexWhere(list: readonly bigint[], reached: (value: bigint) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const value = list[middle];
    if (value !== undefined && reached(value)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Fails what touches a bad sector with IOERR; from sector 2^53 on, where sectors are rounded, none is bad.
 *  @param once the range that was hit is good afterwards.
 *  @param partialIo the whole blocks before the first bad sector are transferred all the same.
 *  @param onHit hears of each failure, in words. */
export function badBlocksStep(
  list: BadBlocks,
  once: boolean,
  partialIo: boolean,
  blockSectors: number,
  inner: Step,
  onHit?: (text: string, request: NullOwned, sector: number) => void,
): Step {
  return (request, sectors) => {
    if (!transfers(request)) return inner(request, sectors);
    // Not before the step: a zone append has its sector only now.
    const first = request.sector();
    const bad = list.firstBad(first, sectors);
    if (bad < 0 || bad > Number.MAX_SAFE_INTEGER) return inner(request, sectors);
    if (once) list.clearRangeAt(bad);
    onHit?.(`badblocks: sector ${bad} is bad`, request, bad);
    const before = partialIo ? bad - first - ((bad - first) % blockSectors) : 0;
    const done = before > 0 ? inner(request, before as Sector) : NOTHING; // fewer than it has
    // A failure of the memory beats the bad block.
    if (request.status() === Status.OK) request.setStatus(Status.IOERR);
    return done;
  };
}

const NOTHING = 0 as Sector; // no sectors

function transfers(request: NullOwned): boolean {
  switch (request.command()) {
    case Command.READ:
    case Command.WRITE:
    case Command.WRITE_ZEROES:
    case Command.DISCARD:
    case Command.ZONE_APPEND:
      return true;
    default:
      return false;
  }
}
