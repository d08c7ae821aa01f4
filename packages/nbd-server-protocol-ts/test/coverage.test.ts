/** Which bytes of a read have arrived, beside a list of all bytes. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Coverage } from '../src/coverage.ts';

const SIZE = 60;

test('any ranges in any order', () => {
  const range = fc.tuple(fc.nat(SIZE), fc.integer({ min: 1, max: 12 }));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 30 }), (ranges) => {
      const coverage = new Coverage();
      const come = new Set<number>();
      for (const [begin, length] of ranges) {
        const bytes = Array.from({ length }, (_, at) => begin + at);
        const twice = bytes.some((byte) => come.has(byte));
        expect(coverage.add(begin, begin + length)).toBe(!twice);
        if (!twice) for (const byte of bytes) come.add(byte);
        expect(coverage.covered).toBe(come.size);
      }
    }),
  );
});

test('pieces that follow each other take no memory, and too many that do not are refused', () => {
  const coverage = new Coverage();
  let at = 0;
  while (at < 200_000 && coverage.add(at, at + 1)) at++;
  expect(at).toBe(200_000);
  const apart = new Coverage();
  let ranges = 0;
  while (apart.add(2 * ranges, 2 * ranges + 1)) ranges++;
  expect(ranges).toBe(65_536);
});
