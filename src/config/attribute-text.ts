/** Values of attributes as text, both ways: what a configfs file takes and shows. Knows no names.
 *  Source: driver.md section 1, Numbers, Booleans. */

import { parseSize } from './sizes.ts';

/** An integer of 32 or 64 bits, or a boolean. */
export type AttributeValue = bigint | boolean;

/** Nothing before or behind the digits but one newline. */
const INTEGER = /^(?:0[xX]([0-9a-fA-F]+)|0([0-7]*)|([1-9][0-9]*))\n?$/;
/** More digits than any of the three notations needs for 64 bits. */
const DIGITS_MAX = 22;

/** @param width in bits. 'EINVAL' when the text is no number, 'ERANGE' when it has more bits. */
export function integerOf(text: string, width: number): bigint | 'EINVAL' | 'ERANGE' {
  const match = INTEGER.exec(text);
  if (match === null) return 'EINVAL';
  const [, hexadecimal, octal, decimal] = match;
  const digits = (hexadecimal ?? octal ?? decimal ?? '').replace(/^0+/, '');
  if (digits.length > DIGITS_MAX) return 'ERANGE';
  const radix = hexadecimal !== undefined ? '0x' : octal !== undefined ? '0o' : '';
  const value = digits === '' ? 0n : BigInt(radix + digits);
  return value >= 1n << BigInt(width) ? 'ERANGE' : value;
}

/** A size in bytes: an integer as above, or one with a unit. */
export function sizeOf(text: string, width: number): bigint | 'EINVAL' | 'ERANGE' {
  const value = integerOf(text, width);
  if (value !== 'EINVAL' || text.startsWith('-')) return value;
  const size = parseSize(text.replace(/\n$/, ''));
  if (size === undefined) return 'EINVAL';
  return size >= 1n << BigInt(width) ? 'ERANGE' : size;
}

/** Looks no further than null_blk's kernel does: at the first letter, after an o at the second.
 *  `0x1` is thus a 0. */
export function booleanOf(text: string): boolean | 'EINVAL' {
  const found = /^(?:([1yt]|on)|[0nf]|of)/i.exec(text);
  return found === null ? 'EINVAL' : found[1] !== undefined;
}

/** Exactly what is read back: a decimal number or 0/1, and one newline. */
export function textOf(value: AttributeValue): string {
  return `${BigInt(value)}\n`;
}
