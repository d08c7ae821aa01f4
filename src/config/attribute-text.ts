/** Values of attributes as text, both ways: what a configfs file takes and shows. Knows no names.
 *  Source: driver.md section 1, Numbers, Booleans. */

import { parseWithin } from './numbers.ts';
import { parseSize } from './sizes.ts';

/** An integer of 32 or 64 bits, a boolean, or a word. */
export type AttributeValue = bigint | boolean | string;

/** @param width in bits. 'EINVAL' when the text is not a number, 'ERANGE' when it has more bits. One newline
 *  may stand behind it. */
export function integerOf(text: string, width: number): bigint | 'EINVAL' | 'ERANGE' {
  return parseWithin(text.replace(/\n$/, ''), 0n, (1n << BigInt(width)) - 1n);
}

/** A size in bytes: an integer as above, or one with a unit. */
export function sizeOf(text: string, width: number): bigint | 'EINVAL' | 'ERANGE' {
  const value = integerOf(text, width);
  if (value !== 'EINVAL' || text.startsWith('-')) return value;
  const size = parseSize(text.replace(/\n$/, ''));
  if (size === undefined) return 'EINVAL';
  return size >= 1n << BigInt(width) ? 'ERANGE' : size;
}

/** Like null_blk's kernel, it looks only at the first letter, and after an o at the second. `0x1` is
 *  therefore 0. */
export function booleanOf(text: string): boolean | 'EINVAL' {
  const found = /^(?:([1yt]|on)|[0nf]|of)/i.exec(text);
  return found === null ? 'EINVAL' : found[1] !== undefined;
}

/** Exactly what is read back: a decimal number or 0/1, and one newline. */
export function textOf(value: AttributeValue): string {
  return typeof value === 'string' ? `${value}\n` : `${BigInt(value)}\n`;
}
