/** V8 does not count shared memory: it would not look for what no thread knows any more as long as the
 *  heap is small. So it is told to, when there is much of it: some 10 ms. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collector: (() => void) | undefined;

export function collectGarbage(): void {
  collector ??= makeCollector();
  collector();
}

/** The only way to it in a program that is running. */
function makeCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  return typeof gc === 'function' ? () => void gc() : () => {};
}
