/** What docs/ shows of the program is whole: console blocks are typed by test/system/docs.test.ts. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { limitWords, serveFlags } from '../../scripts/docs/words.ts';
import { isAsTold } from './console.ts';

function read(name: string): string {
  return readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8');
}

test('no block is left out: a command stands in a console block', () => {
  for (const name of ['control', 'faults', 'zones']) {
    expect(read(name)).not.toMatch(/^```(?!console$|$)/m);
  }
});

/** Documented elsewhere: only by `--help`. */
const SAID_BY_HELP = new Set(['--help', '--version']);

test('docs/running.md tells every flag that is not a parameter, and no other', () => {
  const told = new Set(read('running').match(/(?<![\w-])--[a-z][a-z-]+/g));
  const known = [...serveFlags, ...limitWords].flatMap(({ long, short }) => short ?? long);
  const flags = known.filter((flag) => flag.startsWith('--') && !SAID_BY_HELP.has(flag));
  expect(flags.filter((flag) => !told.has(flag))).toEqual([]);
});

test('what is not as told is seen', () => {
  expect(isAsTold('a 1.2 ms  b\n', 'a 17 us b\n')).toBe(true);
  expect(isAsTold('{"a":1,"b":2}\n', '{"a":1,...}\n')).toBe(true);
  expect(isAsTold('a\nb\n', 'a\n')).toBe(false);
  expect(isAsTold('a\nb\n', 'a...\n')).toBe(false);
  expect(isAsTold('a\nb\nc\n', 'a\n...\nc\n')).toBe(true);
  expect(isAsTold('a\nb\nc\n', 'a\n...\nd\n')).toBe(false);
  expect(isAsTold('', 'a\n')).toBe(false);
  expect(isAsTold('a\n', '')).toBe(false);
});
