/** Text of the attributes that are not stored values: power, index and the zones' sectors. At most
 *  one newline at the end. Source: driver.md section 1 (integers, booleans). */

import { ErrnoError } from '../config/errors.ts';
import { parseBoolean, parseInteger } from '../config/kinds.ts';

function withoutNewline(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}

/** @throws ErrnoError EINVAL. */
export function parseSwitch(name: string, text: string): boolean {
  const value = parseBoolean(withoutNewline(text));
  if (value !== undefined) return value;
  throw new ErrnoError('EINVAL', `${name} must be 0/1, y/n, t/f or on/off`, name);
}

/** Above 2^53 the value is rounded, but stays in order.
 *  @throws ErrnoError EINVAL; ERANGE when it does not fit into `bits`. */
export function parseUnsigned(name: string, text: string, bits: 32 | 64): number {
  const digits = withoutNewline(text);
  const value = digits.startsWith('-') ? undefined : parseInteger(digits);
  if (value === undefined) {
    throw new ErrnoError('EINVAL', `${name} must be a number: decimal, 0x or 0 octal`, name);
  }
  // A number at the edge of 64 bits would be rounded past it; Node writes octal as 0o.
  const exact = BigInt(digits.replace(/^0(?=[0-7])/, '0o'));
  if (exact >> BigInt(bits) !== 0n)
    throw new ErrnoError('ERANGE', `${name} has ${bits} bits`, name);
  return value;
}

/** What a program sends in JSON, as the text that configfs would take. */
export function asText(value: unknown): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  return String(value);
}
