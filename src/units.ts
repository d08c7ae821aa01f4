/** Units as types: a sector, a byte count, a time and a tag cannot be mixed up.
 *  Only this file converts between them, and it checks. Knows nothing else of the program. */

/** A sector number or a count of sectors; a sector is 512 bytes whatever the block size. */
export type Sector = number & { readonly unit: 'sector of 512 bytes' };
/** A byte offset or a count of bytes. */
export type Bytes = number & { readonly unit: 'byte' };
/** A point in time or a duration. Doubles hold nanoseconds exactly for 104 days of uptime. */
export type Nanoseconds = number & { readonly unit: 'nanosecond' };
/** The index of a `Request` in its tag set, 0 .. depth * queues - 1. */
export type Tag = number & { readonly unit: 'tag' };

export const SECTOR_BYTES = 512;
export const KiB = 1024;
export const MiB = 1024 * 1024;
export const GiB = 1024 * 1024 * 1024;

/** 32-bit words in a cache line: the distance between what two threads write. */
export const LINE_WORDS = 16;

/** Doubles hold every whole number up to here; those from here on must be bigints to be exact. */
export const EXACT_MAX = 2 ** 53;

/** For JSON, whose numbers are doubles: a number that they would round becomes a text. */
export function forJson(value: bigint): number | string {
  return value > EXACT_MAX ? `${value}` : Number(value);
}

/** An error that can only be our own mistake: loud, never caught to go on. */
export function bug(message: string): never {
  throw new Error(`bug: ${message}`);
}

function wholeNumber(value: number, unit: string): void {
  if (!Number.isSafeInteger(value) || value < 0) bug(`${value} is not a count of ${unit}`);
}

/** @throws when `value` is negative, fractional or above 2^53. */
export function sector(value: number): Sector {
  wholeNumber(value, 'sectors');
  return value as Sector; // checked in the line above
}

/** @throws when `value` is negative, fractional or above 2^53. */
export function bytes(value: number): Bytes {
  wholeNumber(value, 'bytes');
  return value as Bytes; // checked in the line above
}

/** @throws when `value` is negative or no number. */
export function nanoseconds(value: number): Nanoseconds {
  if (!(value >= 0)) bug(`${value} is not a time in ns`);
  return value as Nanoseconds; // checked in the line above
}

/** @throws when `value` is negative or fractional. */
export function tag(value: number): Tag {
  wholeNumber(value, 'tags');
  return value as Tag; // checked in the line above
}

/** Whole sectors in `value` bytes. @throws when it is not a multiple of 512. */
export function toSectors(value: Bytes): Sector {
  if (value % SECTOR_BYTES !== 0) bug(`${value} bytes are not whole sectors`);
  return (value / SECTOR_BYTES) as Sector; // checked in the line above
}

/** Bytes in `value` sectors. */
export function toBytes(value: Sector): Bytes {
  return (value * SECTOR_BYTES) as Bytes; // a product of two checked whole numbers
}
