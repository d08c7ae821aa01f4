/** The n-th time that memory is taken there is none, for each n: nothing is lost, and nothing leaks. */

import { afterAll, expect, test } from 'vitest';
import { SCRATCH_BYTES } from '../../src/pages/scratch.ts';
import { testRuns } from '../test-runs.ts';
import { drawPlan, type Limits, type Plan } from './plan.ts';
import { Simulation } from './simulation.ts';

const SHORT: Limits = { operations: 30, devices: 1, clients: 2, operators: 1 };
/** What is read in the end takes longer than all else. */
const CELLS_MAX = 64;
const refused = new Set<string>();

function small(seed: number, memoryFailsAt: number): Plan {
  const plan = drawPlan(seed, { ...SHORT, memoryFailsAt });
  const devices = plan.devices.map((one) => {
    return one.attributes['zoned'] === 1 ? one : { ...one, cells: Math.min(one.cells, CELLS_MAX) };
  });
  return { ...plan, devices };
}

/** Each asks for memory some 20 times; 5 has zones. */
const seeds = [4, 5, 6, 9, 12, 13, 22, 24, 26, 28];
/** They take twice the time of all others. */
const long = [1, 8, 16, 19];

test.each(testRuns(1) > 1 ? [...seeds, ...long] : seeds)(
  'whenever memory is refused in seed %i, the run ends well',
  async (seed) => {
    let hits = 0;
    for (;;) {
      const { failure, memoryRefused } = await new Simulation(small(seed, hits + 1)).run();
      if (failure !== undefined) {
        throw new Error(`memory fails at ${hits + 1}: ${failure.kind}: ${failure.text}`);
      }
      if (memoryRefused === undefined) break;
      refused.add(memoryRefused);
      hits++;
    }
    expect(hits).toBeGreaterThan(3);
  },
);

afterAll(() => {
  // What waits for its turn has buffers of its own, beside data and the buffers of connections.
  expect([...refused]).toContain(`buffer of ${SCRATCH_BYTES}`);
  expect([...refused].some((what) => what.startsWith('data of'))).toBe(true);
});
