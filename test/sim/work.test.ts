/** What is counted, and when the work ends; with runs of the test's own. */

import { expect, test } from 'vitest';
import { failure } from './failure.ts';
import { type Options, readOptions } from './options.ts';
import { sumOf, type Tally, work } from './work.ts';

const HANG = failure('hang', 'no reply');

function options(...words: string[]): Options {
  const read = readOptions(words);
  if (read === undefined) throw new Error('help was asked for');
  return read;
}

/** Each run has 10 operations; those of the seeds in `failing` fail. */
async function workOn(failing: readonly number[], ...words: string[]): Promise<[Tally, number[]]> {
  const seeds: number[] = [];
  const tally = await work(
    options(...words),
    () => true,
    async (seed) => {
      seeds.push(seed);
      return { operations: 10, failure: failing.includes(seed) ? HANG : undefined };
    },
  );
  return [tally, seeds];
}

test('the first failure ends the work', async () => {
  const [{ runs, operations, failed }, seeds] = await workOn([3, 4], '--seed', '1', '--runs', '9');
  expect([runs, operations]).toEqual([3, 30]);
  expect(failed.map(({ seed }) => seed)).toEqual([3]);
  expect(seeds).toEqual([1, 2, 3]);
});

test('one that keeps going finds all failures', async () => {
  const words = ['--seed', '1', '--runs', '9', '--keep-going'];
  const [{ runs, operations, failed }] = await workOn([3, 4, 9], ...words);
  expect([runs, operations]).toEqual([9, 90]);
  expect(failed.map(({ seed }) => seed)).toEqual([3, 4, 9]);
});

test('only a run that asks for more than is left is cut', async () => {
  const cut: (number | undefined)[] = [];
  await work(
    options('--seed', '1', '--operations', '4500'),
    () => true,
    async (_, limits) => {
      cut.push(limits.operations);
      return { operations: 300, failure: undefined };
    },
  );
  expect(cut).toEqual([
    undefined,
    undefined,
    ...Array.from({ length: 13 }, (_, n) => 3900 - 300 * n),
  ]);
});

test('whoever is told may end it, and what was done counts', async () => {
  let last: Tally | undefined;
  const tally = await work(
    options('--seconds', '60', '--seed', '1'),
    (now) => {
      last = now;
      return now.runs < 5;
    },
    async () => ({ operations: 10, failure: undefined }),
  );
  expect(tally).toBe(last);
  expect([tally.runs, tally.operations]).toEqual([5, 50]);
});

test('a sum has the failures of all', () => {
  const failed = { seed: 7, limits: {}, failure: HANG, operations: 4 };
  const one = { runs: 1, operations: 4, cpuMs: 2, failed: [failed] };
  const two = { runs: 2, operations: 20, cpuMs: 3, failed: [] };
  expect(sumOf([two, one])).toEqual({ runs: 3, operations: 24, cpuMs: 5, failed: [failed] });
});
