import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Histogram } from '../../src/block/histogram.ts';

test('percentiles are at most 1/32 above the exact ones, and never below', () => {
  const value = fc.oneof(fc.nat(100), fc.nat(1e6), fc.double({ min: 0, max: 1e12, noNaN: true }));
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 300 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (values, p) => {
        const histogram = new Histogram();
        for (const one of values) histogram.record(one);
        const exact = values.toSorted((a, b) => a - b)[Math.ceil(values.length * p) - 1] ?? 0;
        const found = histogram.percentile(p);
        expect(found).toBeGreaterThanOrEqual(Math.floor(exact));
        expect(found).toBeLessThanOrEqual(exact * (1 + 1 / 32) + 1);
      },
    ),
  );
});

test('counts, sum, mean and maximum are exact', () => {
  const histogram = new Histogram();
  histogram.record(10, 3);
  histogram.record(50);
  expect(histogram).toMatchObject({ count: 4, sum: 80, mean: 20, max: 50 });
});

test('without a value everything is zero', () => {
  const histogram = new Histogram();
  expect([histogram.percentile(0.5), histogram.mean, histogram.max]).toEqual([0, 0, 0]);
});

test('a value beyond two hours counts as that', () => {
  const histogram = new Histogram();
  histogram.record(1e15);
  expect(histogram.percentile(1)).toBeGreaterThan(2 * 3600e9);
});

test('below 2^n are exactly the values that are less', () => {
  const value = fc.oneof(
    fc.nat(4096),
    fc.nat(2 ** 37),
    fc.nat(43).map((n) => 2 ** n),
  );
  fc.assert(
    fc.property(fc.array(value, { maxLength: 200 }), (values) => {
      const histogram = new Histogram();
      for (const one of values) histogram.record(one);
      const exact = Array.from({ length: 38 }, (_, at) => {
        return values.filter((one) => one < 2 ** (at + 5)).length;
      });
      expect([...histogram.below(5, 42)]).toEqual(exact);
    }),
  );
});
