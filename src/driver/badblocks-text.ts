/** The text of the attribute badblocks: `+a-b` and `-a-b`, one in a line, and what reading gives back.
 *  Knows no list. Source: driver.md section 5, The list. Numbers are as in section 1, exact up to 64 bits. */

import { ErrnoError, shown } from '../config/errors.ts';
import type { Range } from './range-list.ts';

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
/** No notation needs more for 64 bits: octal has the longest numbers. */
const DIGITS_MAX = 22;
const NUMBER = /^(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/;

/** All ranges of one write, in order, each parsed when it is asked for.
 *  @throws ErrnoError EINVAL, or ERANGE for a number beyond 64 bits. */
export function* parseChanges(text: string): Generator<Change> {
  const lines = text.trim();
  for (let at = 0; at <= lines.length; ) {
    const newline = lines.indexOf('\n', at);
    const end = newline < 0 ? lines.length : newline;
    yield parseChange(lines.slice(at, end));
    at = end + 1;
  }
}

/** What reading the attribute shows: `start length` lines, ascending; nothing for an empty list. */
export function rangesText(ranges: Iterable<Range>): string {
  return Array.from(ranges, rangeLine).join('');
}

/** One of its lines. */
export function rangeLine([first, last]: Range): string {
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
  const value = exactly(text);
  if (value === undefined || value > SECTOR_MAX)
    throw wrong('ERANGE', line, 'a sector number has 64 bits at most');
  return value;
}

/** Undefined: it has far more than 64 bits, and to convert it would take long. */
function exactly(text: string): bigint | undefined {
  const [, prefix = '', digits = ''] = /^(0[xX]|0|)0*(.*)$/.exec(text) ?? [];
  if (digits.length > DIGITS_MAX) return undefined;
  return BigInt(`${prefix === '0' ? '0o' : prefix}${digits === '' ? '0' : digits}`);
}

function wrong(errno: 'EINVAL' | 'ERANGE', line: string, rule: string): ErrnoError {
  return new ErrnoError(errno, `${NAME}: ${shown(line)}: ${rule}`, NAME);
}
