/** TLS and HTTP have ticks of Node's own, and threads have loops of theirs: a run with them follows from its
 *  seed as any other. */

import { expect, test } from 'vitest';
import { drawPlan, type Plan } from './plan.ts';
import { Simulation } from './simulation.ts';

const SHORT = { operations: 200, without: ['http', 'tls', 'threads'] } as const;

function plain(seed: number): Plan {
  return { ...drawPlan(seed, SHORT), operators: 2, operatorNs: 200_000, operationsPerAction: 1 };
}

test.each([
  ['clients over TLS', 2, { tls: 1 }],
  ['operators over HTTP', 2, { http: true }],
  ['clients on threads', 1, { threads: 2 }],
  ['clients over TLS, on a thread, and operators over HTTP', 4, { tls: 1, http: true, threads: 1 }],
])('%s in seed %i find nothing, and it is the same run again', async (_, seed, over) => {
  const plan = { ...plain(seed), ...over };
  const first = await new Simulation(plan).run();
  expect(first.failure).toBeUndefined();
  expect(first.operations).toBeGreaterThanOrEqual(200);
  const second = await new Simulation(plan).run();
  expect(second).toEqual(first);
  const other = await new Simulation(plain(seed)).run();
  expect(other.hash).not.toBe(first.hash);
});
