import { expect, test } from 'vitest';
import { readOptions, UsageError, usage } from './options.ts';

const ENDLESS = Number.POSITIVE_INFINITY;

test('without words the twenty fixed seeds are run', () => {
  expect(readOptions([])).toMatchObject({ seed: 1, runs: 20, jobs: 1, seconds: ENDLESS });
});

test('a seed is run once, unless more is asked for', () => {
  expect(readOptions(['--seed', '123'])).toMatchObject({ seed: 123, runs: 1 });
  expect(readOptions(['--seed', '123', '--seconds', '2'])).toMatchObject({ runs: ENDLESS });
  expect(readOptions(['--seed', '123', '--runs', '7'])).toMatchObject({ runs: 7 });
});

test('a time without a seed begins with a fresh one', () => {
  const seeds = [1, 2, 3].map(() => readOptions(['--seconds', '60'])?.seed);
  expect(new Set(seeds).size).toBeGreaterThan(1);
});

test('the first failure ends it, unless it is to go on', () => {
  expect(readOptions(['--seconds', '60'])?.keepGoing).toBe(false);
  expect(readOptions(['--keep-going', '--seconds', '60'])?.keepGoing).toBe(true);
});

test('help is asked for by name, and is no mistake', () => {
  expect(readOptions(['--help'])).toBeUndefined();
  expect(readOptions(['--seconds', '9', '-h'])).toBeUndefined();
  expect(usage).toContain('--without');
});

test.each([
  [['--seconds', '0'], '--seconds 0: must be a whole number from 1 on'],
  [['--seconds', '1.5'], '--seconds 1.5: must be a whole number from 1 on'],
  [['--runs', '0'], '--runs 0: must be a whole number from 1 on'],
  [['--jobs', '0'], '--jobs 0: must be a whole number from 1 on'],
  [['--seed', '99999999999999999999'], 'must be a whole number from 0 on'],
  [['--without', 'reset,nothing'], '--without nothing: must be some of read,write'],
  [['--walrus'], "Unknown option '--walrus'"],
  [['seven'], "Unexpected argument 'seven'"],
])('%j is refused', (words, message) => {
  expect(() => readOptions(words)).toThrow(UsageError);
  expect(() => readOptions(words)).toThrow(message);
});
