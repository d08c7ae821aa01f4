/** An assertion for loops: `expect` is called only where it fails, since a call of it takes some 10 us. */

import { expect } from 'vitest';

let count = 0;

/** @throws AssertionError unless `seen` is `expected`. */
export function same<Value>(seen: Value, expected: Value): void {
  count++;
  if (!Object.is(seen, expected)) expect(seen).toBe(expected);
}

/** How often `same` was called: shows that a test has compared anything at all. */
export function comparisons(): number {
  return count;
}
