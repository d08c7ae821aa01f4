import { expect, test } from 'vitest';
import { MemoryReturn } from '../../src/daemon/memory-return.ts';
import { createSlabAllocator } from '../../src/pages/allocator.ts';
import { SLAB_BYTES } from '../../src/pages/slab.ts';
import { Deferred } from '../../src/time/deferred.ts';
import { nanoseconds } from '../../src/units.ts';

/** So many slabs are freed at once. @param readingNs what passes between two looks at the clock. */
function freed(slabs: number, readingNs: number) {
  let time = 0;
  const now = () => {
    time += readingNs;
    return nanoseconds(time);
  };
  const deferred = new Deferred();
  const memoryReturn = new MemoryReturn({ now }, deferred, () => allocator);
  const allocator = createSlabAllocator({ poolSlabs: 1, later: () => memoryReturn.later() });
  const taken = Array.from({ length: slabs }, () => allocator.takeDirty());
  for (const slab of taken) if (slab !== undefined) allocator.give(slab);
  /** What is left, by turn. */
  const left = (): number => allocator.freeBytes / SLAB_BYTES;
  const turns = [left()];
  while (deferred.pending) {
    deferred.run();
    turns.push(left());
  }
  return turns;
}

test('in each turn a little of the time goes to it, and at least one slab', () => {
  expect(freed(8, 40_000)).toEqual([8, 5, 2, 1]);
  expect(freed(4, 1e9)).toEqual([4, 3, 2, 1]);
});

test('a clock that stands still does not make it go on for ever', () => {
  expect(freed(16, 0)).toEqual([16, 6, 1]);
});

test('what is worth keeping is kept, and nothing is raised for it', () => {
  expect(freed(1, 0)).toEqual([1]);
});
