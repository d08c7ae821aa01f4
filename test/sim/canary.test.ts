/** The simulator sees each kind of defect: what finds nothing would pass for ever. */

import { expect, test } from 'vitest';
import { type Canary, canaries } from './canary.ts';
import { type Failure, failureKinds } from './failure.ts';
import { drawPlan } from './plan.ts';
import { Simulation } from './simulation.ts';

const SEEDS = 40;
const OPERATIONS = 1000;

async function firstFailure(): Promise<Failure | undefined> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { failure } = await new Simulation(drawPlan(seed, { operations: OPERATIONS })).run();
    if (failure !== undefined) return failure;
  }
  return undefined;
}

test.each(canaries)('$defect', async ({ plant, kinds }: Canary) => {
  const remove = plant();
  try {
    const found = await firstFailure();
    expect(found).toBeDefined();
    expect(kinds, found?.text).toContain(found?.kind);
  } finally {
    remove();
  }
});

test('each kind of failure has a defect that shows itself as it alone', () => {
  const shown = canaries.filter(({ kinds }) => kinds.length === 1).flatMap(({ kinds }) => kinds);
  expect(Object.keys(failureKinds).filter((kind) => !shown.some((one) => one === kind))).toEqual(
    [],
  );
});
