/** One context's answer to BLOCK_STATUS: extents in bytes, joined and cut as the protocol requires.
 *  Knows no wire. Source: nbd-protocol.md section 3.5, Reply shape. */

import { EXACT_MAX, SECTOR_BYTES } from '../units.ts';
import { type Context, StatusRun } from './contexts.ts';
import { exactLength, type FarSize, farExtent, type Range } from './far.ts';

/** Extents in an answer: it may be shorter than the request, and a client asks again. */
const EXTENTS_MAX = 2 ** 16;
/** The longest extent with 32-bit lengths, a multiple of every block size. */
const COMPACT_BYTES_MAX = 2 ** 32 - 65_536;
/** Of 63 bits, the ones that a double may not hold. */
const REST_UNIT = 4096n;

/** Extents one behind the other; made once and filled again and again. */
export class ExtentList {
  /** Bytes, not zero. */
  readonly lengths: number[] = [];
  readonly highs: number[] = [];
  readonly lows: number[] = [];
  count = 0;
  /** Bytes by which the last extent is longer than a number can hold. */
  rest = 0;

  clear(): void {
    this.count = 0;
    this.rest = 0;
  }

  add(length: number, high: number, low: number): void {
    const at = this.count++;
    this.lengths[at] = length;
    this.highs[at] = high;
    this.lows[at] = low;
  }
}

export interface StatusQuery {
  /** Bytes; the range lies in the export, and is not empty. */
  readonly offset: number;
  readonly length: number;
  /** Bytes of the export. */
  readonly size: number;
  /** One extent, not longer than the range. */
  readonly one: boolean;
  /** Lengths have 32 bits. */
  readonly compact: boolean;
  /** How many runs may be looked at; they may join to one extent. */
  readonly runsMax: number;
}

const run = new StatusRun();

/** Fills `into` with the extents of a range. The last one may run past the range, not past the export.
 *  @returns how many runs were looked at: 45 ns each. */
export function blockStatus(context: Context, query: StatusQuery, into: ExtentList): number {
  const { offset, length, size, one, compact, runsMax } = query;
  const end = offset + length;
  const endSector = Math.ceil(end / SECTOR_BYTES);
  const longest = compact ? COMPACT_BYTES_MAX : Number.MAX_SAFE_INTEGER;
  into.clear();
  let sector = Math.floor(offset / SECTOR_BYTES);
  let from = offset;
  let runs = 0;
  for (; runs < runsMax && sector < endSector; runs++) {
    context.at(sector, endSector, run);
    sector += run.sectors;
    const to = Math.min(size, sector * SECTOR_BYTES);
    const last = into.count - 1;
    const alike = context.merges && last >= 0 && isAlike(into, last);
    if (alike) {
      into.lengths[last] = (into.lengths[last] ?? 0) + to - from;
    } else if (one && last >= 0) {
      break;
    } else {
      if (into.count === EXTENTS_MAX) break;
      into.add(to - from, run.high, run.low);
    }
    from = to;
    const current = into.count - 1;
    if ((into.lengths[current] ?? 0) > longest) {
      // Nothing may follow an extent that was cut.
      into.lengths[current] = longest;
      break;
    }
  }
  if (one) into.lengths[0] = Math.min(into.lengths[0] ?? 0, length);
  return runs;
}

/** The same for a far range: an export that keeps nothing is one run. */
export function farStatus(
  context: Context,
  range: Range,
  size: FarSize,
  one: boolean,
  compact: boolean,
  into: ExtentList,
): number {
  const whole = one ? exactLength(range) : farExtent(range, size);
  const length = compact && whole > COMPACT_BYTES_MAX ? BigInt(COMPACT_BYTES_MAX) : whole;
  context.at(0, 1, run);
  into.clear();
  const rest = length < EXACT_MAX ? 0n : length % REST_UNIT;
  into.rest = Number(rest);
  into.add(Number(length - rest), run.high, run.low);
  return 1;
}

function isAlike(list: ExtentList, at: number): boolean {
  return list.highs[at] === run.high && list.lows[at] === run.low;
}
