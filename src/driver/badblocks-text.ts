/** The text of the attribute badblocks: `+a-b` and `-a-b`, one in a line, and what reading gives back.
 *  Knows no list. Source: driver.md section 5; numbers as in section 1, exact up to 64 bits. */

import { ErrnoError, shown } from '../config/errors.ts';

/** Sectors, both ends included. They need not lie on the device: any 64-bit number will do. */
export interface Change {
  readonly bad: boolean;
  readonly first: bigint;
  readonly last: bigint;
}

const NAME = 'badblocks';
const SECTOR_MAX = 2n ** 64n - 1n;
const FORM = 'must be +FIRST-LAST (bad) or -FIRST-LAST (good), in sectors';
const LINE = /^([+-])([^-]*)-(.*)$/;
const NUMBER = /^(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/;

/** All ranges of one write, in order.
 *  @throws ErrnoError EINVAL, or ERANGE for a number beyond 64 bits; nothing is half understood. */
export function parseChanges(text: string): Change[] {
  return text.trim().split('\n').map(parseChange);
}

/** A line of what reading the attribute shows. */
export function rangeLine(first: bigint, last: bigint): string {
  return `${first} ${last - first + 1n}\n`;
}

function parseChange(line: string): Change {
  const match = LINE.exec(line);
  if (match === null) throw wrong('EINVAL', line, FORM);
  const [, sign, from = '', to = ''] = match;
  const first = parseSector(from, line);
  const last = parseSector(to, line);
  if (first > last) throw wrong('EINVAL', line, 'FIRST must not be behind LAST');
  return { bad: sign === '+', first, last };
}

function parseSector(text: string, line: string): bigint {
  if (!NUMBER.test(text)) throw wrong('EINVAL', line, FORM);
  const value = BigInt(/^0[0-7]+$/.test(text) ? `0o${text.slice(1)}` : text);
  if (value > SECTOR_MAX) throw wrong('ERANGE', line, 'a sector number has 64 bits at most');
  return value;
}

function wrong(errno: 'EINVAL' | 'ERANGE', line: string, rule: string): ErrnoError {
  return new ErrnoError(errno, `${NAME}: ${shown(line)}: ${rule}`, NAME);
}
