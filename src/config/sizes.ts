/** Sizes in bytes as text, for every flag, word and attribute that takes one.
 *  Source: docs/parameters.md. */
import { parseExact } from './numbers.ts';

/** The place of a unit's letter is its power of 1024. */
const UNITS = ' KMGTPE';

/** A decimal number, and its unit: K, k, KiB or kib. Not KB, which is 1000 bytes to some programs. */
const WITH_UNIT = /^(0|[1-9][0-9]*)([KMGTPE])(?:iB)?$/i;

/** Behind the word bytes. */
export const SIZE_UNITS = 'or with K, M, G, T, P or E, powers of 1024';
export const SIZE_RULE = `must be a size: bytes, ${SIZE_UNITS}`;
export const SIZE_HELP = `A size is bytes, ${SIZE_UNITS}: 67108864, 64M or 64MiB.`;

/** Bytes, or undefined when the text is not a size. A number without a unit is one as everywhere:
 *  decimal, 0x hexadecimal or 0 octal. */
export function parseSize(text: string): bigint | undefined {
  const [, digits, unit] = WITH_UNIT.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return parseExact(text);
  return BigInt(digits) << BigInt(10 * UNITS.indexOf(unit.toUpperCase()));
}

/** The shortest text of the size, which parseSize reads back. @param bytes whole, below 2^53. */
export function sizeText(bytes: number): string {
  let unit = 0;
  let count = bytes;
  for (; count !== 0 && count % 1024 === 0; count /= 1024) unit++;
  return `${count}${UNITS.charAt(unit).trim()}`;
}
