/** The n-th time that memory is taken there is none, for each n: nothing is lost, and nothing leaks. */

import { expect, test } from 'vitest';
import { drawPlan } from './plan.ts';
import { Simulation } from './simulation.ts';

const SHORT = { operations: 30, devices: 1, clients: 2, operators: 1 };

// Each asks for memory some 20 times; the last sends hundreds of commands at a time.
test.each([4, 9, 12, 23])(
  'whenever memory is refused in seed %i, the run ends well',
  async (seed) => {
    let asked = 1;
    let failures = 0;
    for (let n = 1; n <= asked; n++) {
      const result = await new Simulation(drawPlan(seed, { ...SHORT, memoryFailsAt: n })).run();
      if (result.failure !== undefined) {
        throw new Error(`memory fails at ${n}: ${result.failure.kind}: ${result.failure.text}`);
      }
      asked = Math.max(asked, result.memoryAsked);
      failures++;
    }
    expect(failures).toBeGreaterThan(3);
  },
);
