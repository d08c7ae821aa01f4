/** Medians, noise, and when two series differ. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deviation, difference, median, noise } from '../../bench/src/statistics.ts';

test('the median is the middle, or the mean of the two middles', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([7])).toBe(7);
  expect(median([])).toBeNaN();
});

test('as many values lie below the median as above it', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
      const middle = median(values);
      const below = values.filter((value) => value < middle).length;
      const above = values.filter((value) => value > middle).length;
      expect(Math.max(below, above)).toBeLessThanOrEqual(values.length / 2);
    }),
  );
});

test('noise is the spread over the median', () => {
  expect(noise([90, 100, 110])).toBeCloseTo(0.2);
  expect(noise([-90, -100, -110])).toBeCloseTo(0.2);
  expect(noise([5])).toBe(0);
  expect(noise([0, 0, 0])).toBe(0);
});

test('one outlier does not move the deviation', () => {
  expect(deviation([99, 100, 101])).toBeCloseTo(1.4826);
  expect(deviation([99, 100, 100, 101, 1000])).toBeCloseTo(1.4826);
});

describe('two series', () => {
  const before = [100, 104, 98, 101, 99];

  test('of one source are the same', () => {
    expect(difference(before, before)).toMatchObject({ ratio: 1, verdict: 'same' });
    expect(difference([101, 100, 99, 102, 97], before).verdict).toBe('same');
  });

  test('differ when each round says so, by more than chance', () => {
    const slower = before.map((value) => value * 0.9);
    expect(difference(slower, before)).toMatchObject({ verdict: 'less' });
    expect(difference(slower, before).ratio).toBeCloseTo(0.9);
    expect(difference(before, slower).verdict).toBe('more');
  });

  test('are the same when one round says the contrary', () => {
    expect(difference([90, 94, 88, 91, 100], before).verdict).toBe('same');
  });

  test('are the same when they differ by next to nothing', () => {
    const little = before.map((value) => value * 0.985);
    expect(difference(little, before).verdict).toBe('same');
  });

  test('are the same when their distance is all over the place', () => {
    const wild = [1.03, 1.4, 1.2, 1.9, 1.05].map((factor, i) => factor * (before[i] ?? 0));
    expect(difference(wild, before).verdict).toBe('same');
  });

  test('cannot be told apart by four rounds', () => {
    const verdict = difference([50, 50, 50, 50], [100, 100, 100, 100]).verdict;
    expect(verdict).toBe('too few rounds');
  });

  test('of one source seldom pass for two, and a tenth is seldom missed', () => {
    let random = 1;
    const uniform = (): number => {
      random = (random * 48271) % 2147483647;
      return random / 2147483647;
    };
    // The sum of three is near enough to normal; some 3 % of noise.
    const round = (): number => 100 * (1 + 0.06 * (uniform() + uniform() + uniform() - 1.5));
    const series = (): number[] => Array.from({ length: 7 }, round);
    let wrong = 0;
    let missed = 0;
    for (let i = 0; i < 1000; i++) {
      if (difference(series(), series()).verdict !== 'same') wrong++;
      const slower = series().map((value) => value * 0.9);
      if (difference(slower, series()).verdict !== 'less') missed++;
    }
    expect(wrong).toBeLessThan(20);
    expect(missed).toBeLessThan(100);
  });
});
