/** The nearest name, against a distance computed the naive way. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { editDistance, nearest } from '../../src/config/nearest.ts';
import { rows } from '../../src/config/parameters.ts';

/** The definition, by recursion: one step each for insert, delete, replace and swap. */
function naive(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length;
  const [lastA, lastB] = [a.at(-1), b.at(-1)];
  let best = Math.min(
    naive(a.slice(0, -1), b) + 1,
    naive(a, b.slice(0, -1)) + 1,
    naive(a.slice(0, -1), b.slice(0, -1)) + (lastA === lastB ? 0 : 1),
  );
  if (a.length > 1 && b.length > 1 && a.at(-2) === lastB && lastA === b.at(-2)) {
    best = Math.min(best, naive(a.slice(0, -2), b.slice(0, -2)) + 1);
  }
  return best;
}

test('the distance is that of the definition', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 5 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(editDistance(a, b)).toBe(naive(a, b));
    }),
  );
});

test('no other name is nearer than the one that is named', () => {
  const names = [...rows.keys()];
  const slip = fc.tuple(fc.constantFrom(...names), fc.nat(64), fc.constantFrom('', '_', 'x', 'qz'));
  fc.assert(
    fc.property(slip, ([name, at, insert]) => {
      const typed = `${name.slice(0, at)}${insert}${name.slice(at + 1)}`;
      const least = Math.min(...names.map((one) => editDistance(typed, one)));
      const found = nearest(typed, names);
      const isNear = least <= Math.max(1, Math.floor(typed.length / 2));
      expect(found === undefined ? undefined : editDistance(typed, found)).toBe(
        isNear ? least : undefined,
      );
    }),
  );
});

test.each([
  ['memroy_backed', 'memory_backed'],
  ['hwqueue_depth', 'hw_queue_depth'],
  ['MEMORY_BACKED', 'memory_backed'],
  ['GB', 'gb'],
  ['completion_nsecs', 'completion_nsec'],
])('%s leads to %s', (typed, known) => {
  expect(nearest(typed, rows.keys())).toBe(known);
});

test('of two that are as near the first is named, and of none nothing', () => {
  expect(nearest('ac', ['ab', 'ad'])).toBe('ab');
  expect(nearest('ac', ['ad', 'ab'])).toBe('ad');
  expect(nearest('ac', [])).toBeUndefined();
});

test.each(['xyzzy', 'constructor', '', '--'])('%j is near to none', (typed) => {
  expect(nearest(typed, rows.keys())).toBeUndefined();
});

test('of a very long name only the beginning is compared', () => {
  const long = `gb${'x'.repeat(2 ** 24)}`;
  expect(nearest(long, rows.keys())).toBe(nearest(long.slice(0, 64), rows.keys()));
});
