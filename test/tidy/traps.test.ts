/** How the titles of tests name traps of the protocol. That each has one: titles.test.ts. */

import { expect, test } from 'vitest';
import { TRAPS, trapsOf, unshownTraps } from './traps.ts';

test('titles are read as they are meant', () => {
  expect(trapsOf('trap 7: a client')).toEqual([7]);
  expect(trapsOf('traps 13, 14: with DF > simple')).toEqual([13, 14]);
  expect(trapsOf('trap 3: lies > trap 8: names')).toEqual([3, 8]);
  expect(trapsOf('a trap 7 of another kind, and traps: none')).toEqual([]);
});

test('what is missing, failed or out of range is found', () => {
  const all = Array.from({ length: TRAPS }, (_, at) => [`trap ${at + 1}: x`, true] as const);
  const of = (titles: readonly (readonly [string, boolean])[], file = 'test/wire/a.test.ts') =>
    unshownTraps(new Map([[file, new Map(titles)]]));
  expect(of(all)).toEqual([]);
  expect(of(all.slice(1))).toEqual(['trap 1: there is no test of raw bytes']);
  expect(of([...all, ['trap 2: y', false]])).toEqual([
    "trap 2: test/wire/a.test.ts: 'trap 2: y' did not run and pass",
  ]);
  expect(of([...all, ['trap 35: y', true]])).toHaveLength(1);
  expect(of(all, 'test/block/a.test.ts')).toHaveLength(TRAPS);
});
