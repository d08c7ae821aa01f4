/** The simulator sees each kind of defect: what finds nothing would pass for ever. */

import { expect, test } from 'vitest';
import { type Canary, canaries } from './canary.ts';
import { type Failure, failureKinds } from './failure.ts';
import { drawPlan, type Plan } from './plan.ts';
import { Simulation } from './simulation.ts';

const SEEDS = 40;
const OPERATIONS = 1000;

function anyPlan(seed: number): Plan {
  return drawPlan(seed, { operations: OPERATIONS });
}

async function firstFailure(plan: (seed: number) => Plan): Promise<Failure | undefined> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { failure } = await new Simulation(plan(seed)).run();
    if (failure !== undefined) return failure;
  }
  return undefined;
}

test.each(canaries)('$defect', async ({ plant, kinds, plan = anyPlan }: Canary) => {
  const remove = plant();
  try {
    const found = await firstFailure(plan);
    expect(found).toBeDefined();
    expect(kinds, found?.text).toContain(found?.kind);
  } finally {
    remove();
  }
});

test.each(canaries.filter((one) => one.plan !== undefined))(
  'nothing is found without it: $defect',
  async ({ plan = anyPlan }) => {
    for (let seed = 1; seed <= 10; seed++) {
      expect((await new Simulation(plan(seed)).run()).failure).toBeUndefined();
    }
  },
);

test('each kind of failure has a defect that shows itself as it alone', () => {
  const shown = canaries.filter(({ kinds }) => kinds.length === 1).flatMap(({ kinds }) => kinds);
  expect(Object.keys(failureKinds).filter((kind) => !shown.some((one) => one === kind))).toEqual(
    [],
  );
});
