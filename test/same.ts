/** An assertion for loops: `expect` is called only on failure, because a call takes some 10 us. */

import { expect } from 'vitest';

let count = 0;

/** @throws AssertionError unless `seen` is `expected`. */
export function same<Value>(seen: Value, expected: Value): void {
  count++;
  if (!Object.is(seen, expected)) expect(seen).toBe(expected);
}

/** How often `same` was called: shows that a test compared anything at all. */
export function comparisons(): number {
  return count;
}
