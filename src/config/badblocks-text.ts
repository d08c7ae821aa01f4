/** The text of the attribute badblocks: `+a-b` and `-a-b`, one per line, and what reading returns. Knows no
 *  list. Source: driver.md section 5, The list. Numbers are as in section 1, exact up to 64 bits. */

import { ErrnoError, shown } from './errors.ts';
import { parseWithin } from './numbers.ts';

/** Sectors, both ends included. They may lie outside the device: any 64-bit number is valid. */
export interface BadBlocksChange {
  readonly bad: boolean;
  readonly first: bigint;
  readonly last: bigint;
}

/** The first and the last. */
type SectorRange = readonly [first: bigint, last: bigint];

const NAME = 'badblocks';
const SECTOR_MAX = 2n ** 64n - 1n;
const FORM = 'must be +FIRST-LAST (bad) or -FIRST-LAST (good), in sectors';
const LINE = /^([+-])([^-]*)-(.*)$/;

/** All ranges of one write, in order, each parsed when it is asked for: some 1 us each.
 *  @throws ErrnoError EINVAL, or ERANGE for a number beyond 64 bits. */
export function* parseChanges(text: string): Generator<BadBlocksChange> {
  const lines = text.trim();
  for (let at = 0; at <= lines.length; ) {
    const newline = lines.indexOf('\n', at);
    const end = newline < 0 ? lines.length : newline;
    yield parseChange(lines.slice(at, end));
    at = end + 1;
  }
}

/** What reading the attribute shows: `start length` lines, ascending; nothing for an empty list. */
export function rangesText(ranges: Iterable<SectorRange>): string {
  return Array.from(ranges, rangeLine).join('');
}

/** One of its lines. */
export function rangeLine([first, last]: SectorRange): string {
  return `${first} ${last - first + 1n}\n`;
}

function parseChange(line: string): BadBlocksChange {
  const match = LINE.exec(line);
  if (match === null) throw wrong('EINVAL', line, FORM);
  const [, sign, from = '', to = ''] = match;
  const first = parseSector(from, line);
  const last = parseSector(to, line);
  if (first > last) throw wrong('EINVAL', line, 'FIRST must not be behind LAST');
  return { bad: sign === '+', first, last };
}

function parseSector(text: string, line: string): bigint {
  const value = parseWithin(text, 0n, SECTOR_MAX);
  if (value === 'EINVAL') throw wrong(value, line, FORM);
  if (value === 'ERANGE') throw wrong(value, line, 'a sector number has 64 bits at most');
  return value;
}

function wrong(errno: 'EINVAL' | 'ERANGE', line: string, rule: string): ErrnoError {
  return new ErrnoError(errno, `${NAME}: ${shown(line)}: ${rule}`, NAME);
}
