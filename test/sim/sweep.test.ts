/** The n-th time that memory is taken there is none, for each n: nothing is lost, and nothing leaks. */

import { expect, test } from 'vitest';
import { drawPlan } from './plan.ts';
import { Simulation } from './simulation.ts';

const SHORT = { operations: 30, devices: 1, clients: 2, operators: 1 };

test.each([2, 3, 5])('whenever memory is refused in seed %i, the run ends well', async (seed) => {
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
});
