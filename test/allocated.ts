/** Whether code makes JavaScript objects. For tests of code that must make none. */

import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';

/** The compiler works in parallel and takes memory, too, and until it is done numbers are objects: on a busy
 *  machine that takes long. */
const ATTEMPTS = 200;

const COUNT = 50_000;
/** Bytes: an object takes at least 16. Node 20 was seen to take 0.003 to 0.1 where there are none. */
const NEXT_TO_NOTHING = 0.5;

/** @param work does something `count` times. @returns whether doing it once makes no object: fewer than one
 *  in 32 times. */
export async function allocatesNothing(work: (count: number) => void): Promise<boolean> {
  work(COUNT); // it is compiled by then
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if ((await bytesOf(() => work(COUNT))) < COUNT * NEXT_TO_NOTHING) return true;
  }
  return false;
}

/** By how much the heap grows; Infinity: memory was collected meanwhile. */
async function bytesOf(work: () => void): Promise<number> {
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ['gc'] });
  const before = process.memoryUsage().heapUsed;
  work();
  const bytes = process.memoryUsage().heapUsed - before;
  for (let turn = 0; turn < 3; turn++) await setImmediate(); // entries are delivered later
  observer.disconnect();
  return collections > 0 ? Number.POSITIVE_INFINITY : bytes;
}
