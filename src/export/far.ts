/** Ranges that reach past 2^52 bytes, on exports of 2^53 bytes and more. Doubles do not hold such offsets, so
 *  they are rebased: counted from a multiple of 2^52 bytes, all other code works as usual. That is correct
 *  because such an export keeps no data and has no zones; what is reported about its sectors (bad blocks) is
 *  exact below sector 2^53, which is byte 2^62.
 *  Source: nbd-protocol.md section 2.2 (sizes of 64 bits). */

import { endsBeyond, type RequestHeader } from 'nbd-server-protocol-ts';
import { SECTOR_BYTES } from '../units.ts';

/** The halves of an offset and a length, and both as Numbers. */
export type Range = Pick<
  RequestHeader,
  'offset' | 'offsetHigh' | 'offsetLow' | 'length' | 'lengthHigh' | 'lengthLow'
>;

const TWO_TO_32 = 2 ** 32;
const NEAR_HIGH_BITS = 20;
const NEAR_BYTES = 2 ** (32 + NEAR_HIGH_BITS);
const NEAR_SECTORS = NEAR_BYTES / SECTOR_BYTES;

/** False: offset and length are both below 2^52, and their sum is exact. */
export function isFar(range: Range): boolean {
  return (range.offsetHigh | range.lengthHigh) >>> NEAR_HIGH_BITS !== 0;
}

/** The size of an export that has far ranges. */
export class FarSize {
  readonly bytes: bigint;
  readonly #high: number;
  readonly #low: number;

  constructor(bytes: bigint) {
    this.bytes = bytes;
    this.#high = Number(bytes >> 32n);
    this.#low = Number(bytes & 0xffff_ffffn);
  }

  endsBefore(range: Range): boolean {
    return endsBeyond(range, this.#high, this.#low);
  }
}

/** @returns undefined: an export of this size has none. */
export function farSizeOf(size: number | bigint): FarSize | undefined {
  return typeof size === 'bigint' ? new FarSize(size) : undefined;
}

/** A range, counted from a multiple of 2^52 bytes. */
export interface NearRange {
  /** That multiple, in sectors. */
  base: number;
  /** Bytes behind it. */
  offset: number;
  /** Bytes. */
  length: number;
  /** Bytes from `offset` to the client's range. */
  behind: number;
}

/** Fills `into` with `range`, counted from the last multiple of 2^52. A range of 2^52 bytes and more, which
 *  only zeroes have, becomes the range of the whole blocks that it touches, all of which read as zeros
 *  anyway; from 2^62 bytes on their number may be rounded. */
export function rebase(range: Range, block: number, into: NearRange): void {
  into.base = (range.offsetHigh >>> NEAR_HIGH_BITS) * NEAR_SECTORS;
  const offset = (range.offsetHigh % (NEAR_BYTES / TWO_TO_32)) * TWO_TO_32 + range.offsetLow;
  const widened = range.lengthHigh >>> NEAR_HIGH_BITS !== 0;
  const behind = widened ? offset % block : 0;
  into.behind = behind;
  into.offset = offset - behind;
  into.length = widened
    ? Number(roundUp(exactLength(range) + BigInt(behind), BigInt(block)))
    : range.length;
}

/** Bytes from a range's offset to its last sector's end, or to the export's end if that is nearer. */
export function farExtent(range: Range, size: FarSize): bigint {
  const offset = (BigInt(range.offsetHigh) << 32n) | BigInt(range.offsetLow);
  const end = roundUp(offset + exactLength(range), BigInt(SECTOR_BYTES));
  // Math.min takes no bigints.
  if (end > size.bytes) return size.bytes - offset;
  return end - offset;
}

export function exactLength({ lengthHigh, lengthLow }: Range): bigint {
  return (BigInt(lengthHigh) << 32n) | BigInt(lengthLow);
}

function roundUp(value: bigint, unit: bigint): bigint {
  return ((value + unit - 1n) / unit) * unit;
}
