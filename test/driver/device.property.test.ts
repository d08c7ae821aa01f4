/** How commands are cut, and what bad blocks, zones, the cache and power do to each part. rnull-series 19,
 *  74 to 77. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { comparisons } from '../same.ts';
import { testRuns } from '../test-runs.ts';
import { DevicePair, shape, step } from './device-pair.ts';

test('a device does what its naive twin does, however its commands are cut', async () => {
  const run = fc.asyncProperty(
    shape,
    fc.array(step, { minLength: 10, maxLength: 40 }),
    (one, steps) => new DevicePair(one).run(steps),
  );
  const before = comparisons();
  await fc.assert(run, { numRuns: testRuns(40) });
  expect(comparisons()).toBeGreaterThan(before);
});
