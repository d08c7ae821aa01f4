import fc from 'fast-check';
import { expect, test } from 'vitest';
import { comparisons } from '../../same.ts';
import { testRuns } from '../../test-runs.ts';
import { trace, World } from './world.ts';

test('the page store does what a map of sectors does, and readers keep what they saw', () => {
  fc.assert(
    fc.property(trace(150), (steps) => new World().run(steps)),
    { numRuns: testRuns(30) },
  );
});

test('wherever memory runs out, the store stays consistent and loses no slab', () => {
  const before = comparisons();
  fc.assert(
    fc.property(trace(80), (steps) => {
      let hit = true;
      for (let failAt = 1; hit; failAt++) {
        const world = new World();
        world.allocator.failAt = failAt;
        world.run(steps);
        hit = world.allocator.takes >= failAt;
      }
    }),
    { numRuns: testRuns(2) },
  );
  expect(comparisons()).toBeGreaterThan(before);
});

test('wherever the n-th piece of memory is refused, nothing is lost and nothing stays charged', () => {
  const before = comparisons();
  fc.assert(
    fc.property(trace(50), (steps) => {
      let hit = true;
      for (let failAt = 1; hit; failAt++) {
        const world = new World();
        world.failAt = failAt;
        world.run(steps);
        hit = world.charges >= failAt;
      }
    }),
    { numRuns: testRuns(1) },
  );
  expect(comparisons()).toBeGreaterThan(before);
});
