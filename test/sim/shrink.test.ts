/** Shrinking, of runs that fail by a rule of the test's own. */

import { expect, test } from 'vitest';
import { type Failure, failure } from './failure.ts';
import { drawPlan, type Limits } from './plan.ts';
import { commandOf, type Run, type Shrunk, shrink } from './shrink.ts';

const SEED = 11;
const HANG = failure('hang', 'no reply');

function runs(fails: (limits: Limits) => Failure | undefined, operations: number): Run {
  return async (seed, limits) => {
    const asked = drawPlan(seed, limits).operations;
    return { operations: Math.min(operations, asked), failure: fails(limits) };
  };
}

function shrunk(limits: Limits, run: Run): Promise<Shrunk> {
  return shrink(SEED, limits, HANG, 250, run);
}

test('what does not matter is left out, once, and what does stays', async () => {
  const run = runs((limits) => (limits.without?.includes('write') ? undefined : HANG), 250);
  const { limits, operations } = await shrunk({ without: ['cuts', 'cuts', 'reset'] }, run);
  expect(operations).toBe(1);
  expect(limits.without).not.toContain('write');
  expect(limits.without).toHaveLength(new Set(limits.without).size);
  expect(commandOf(SEED, limits)).toContain('--operations 1 ');
});

test('a failure of another kind is another failure', async () => {
  const run = runs(({ operations = 999 }) => (operations > 200 ? HANG : failure('bug', '')), 250);
  const { limits, failure: found } = await shrunk({}, run);
  expect(limits.operations).toBe(250);
  expect(found).toBe(HANG);
});

test('nothing grows: neither the limit that was given, nor the operations', async () => {
  // More answers than requests: of whoever reads all at the end.
  const run: Run = async (_, { operations = 999 }) => ({
    operations: operations + 40,
    failure: operations >= 210 ? HANG : undefined,
  });
  const { limits, operations } = await shrunk({ operations: 210 }, run);
  expect(limits.operations).toBe(210);
  expect(operations).toBe(250);
});

test('a run that fails later is not taken for a smaller one', async () => {
  const run: Run = async (_, { without = [] }) => ({
    operations: 250 + without.length,
    failure: HANG,
  });
  const { limits } = await shrunk({ operations: 1 }, run);
  expect(limits.without).toBeUndefined();
});

test('a run that fails before any answer keeps one operation, which can be asked for', async () => {
  const run: Run = async () => ({ operations: 0, failure: HANG });
  expect((await shrunk({}, run)).limits.operations).toBe(1);
});

test('a command says each thing once', () => {
  const command = commandOf(5, { without: ['cuts', 'reset', 'cuts'], memoryFailsAt: 3 });
  expect(command).toBe('npm run sim -- --seed 5 --without cuts,reset --memory-fails-at 3');
});
