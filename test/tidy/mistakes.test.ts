/** How the titles of tests name the mistakes of nbd-protocol.md section 7. That each has one: titles.test.ts. */

import { expect, test } from 'vitest';
import { mistakes, mistakesOf, unshownMistakes } from './mistakes.ts';

const known = ['abort', 'empty-chunk', 'names', 'zero-length'];

test('the names are those of the table in section 7', () => {
  expect(
    mistakes('| `no` | x |\n\n## 7. Mistakes\n\n| `abort` | x |\n| `any-cut`  | x |\n'),
  ).toEqual(['abort', 'any-cut']);
  expect(mistakes()).toHaveLength(34);
});

test('titles are read as they are meant', () => {
  expect(mistakesOf('abort: a client', known)).toEqual(['abort']);
  expect(mistakesOf('empty-chunk, zero-length: with DF > simple', known)).toEqual([
    'empty-chunk',
    'zero-length',
  ]);
  expect(mistakesOf('abort: lies > names: long ones', known)).toEqual(['abort', 'names']);
  expect(mistakesOf('to abort, and names, no-abort: of another kind', known)).toEqual([]);
});

test('what is missing or failed is found', () => {
  const all = known.map((name) => [`${name}: x`, true] as const);
  const of = (titles: readonly (readonly [string, boolean])[], file = 'test/wire/a.test.ts') =>
    unshownMistakes(new Map([[file, new Map(titles)]]), known);
  expect(of(all)).toEqual([]);
  expect(of(all.slice(1))).toEqual(['abort: there is no test of raw bytes']);
  expect(of([...all, ['names: y', false]])).toEqual([
    "names: test/wire/a.test.ts: 'names: y' did not run and pass",
  ]);
  expect(of(all, 'test/block/a.test.ts')).toHaveLength(known.length);
});
