/** Every trap of the protocol has a test of raw bytes. That they pass is shown-reporter.ts's to say. */

import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { collected } from './collected.ts';
import { RAW_BYTES, TRAPS, trapsOf, unshownTraps } from './traps.ts';

test('all 34 have one', () => {
  const here = readdirSync(new URL(`../../${RAW_BYTES}`, import.meta.url));
  const files = here.filter((file) => file.endsWith('.test.ts')).map((file) => RAW_BYTES + file);
  expect(TRAPS).toBe(34);
  expect(unshownTraps(collected(files))).toEqual([]);
}, 120_000);

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
