/** TLS in the simulator: a run with it follows from its seed as any other does. */

import { expect, test } from 'vitest';
import { drawPlan, type Plan } from './plan.ts';
import { Simulation } from './simulation.ts';

function overTls(seed: number): Plan {
  return { ...drawPlan(seed, { operations: 200 }), tls: 1 };
}

test.each([1, 2, 3])('seed %i over TLS finds nothing, and is the same run again', async (seed) => {
  const first = await new Simulation(overTls(seed)).run();
  expect(first.failure).toBeUndefined();
  expect(first.operations).toBeGreaterThanOrEqual(200);
  const second = await new Simulation(overTls(seed)).run();
  expect(second).toEqual(first);
  const plain = await new Simulation({ ...overTls(seed), tls: 0 }).run();
  expect(plain.hash).not.toBe(first.hash);
});
