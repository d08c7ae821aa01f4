/** Devices with random plans of rules, several clients, and time that passes: against a naive twin, against
 *  themselves in a hundred runs with others beside them, and against a replay of their log. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReplayLog } from '../../src/rules/replay-log.ts';
import type { TwinWords } from '../rules/twin.ts';
import { testRuns } from '../test-runs.ts';
import { type Asking, asking, ruleWords } from './random-plans.ts';
import { type Shape, StruckPair, StruckWorld } from './struck-pair.ts';

const shape: fc.Arbitrary<Shape> = fc.record({
  block: fc.constantFrom(1, 1, 1, 2, 8),
  cacheMiB: fc.constantFrom(0, 0, 1),
  seed: fc.constantFrom('7', 'another'),
});

const rules = (most: number): fc.Arbitrary<TwinWords[]> =>
  fc
    .array(ruleWords, { minLength: 1, maxLength: most })
    .map((all) => all.map((words, at) => ({ id: `r${at + 1}`, ...words })));

const pass = fc.constantFrom(0.5, 1, 3, 10).map((ms) => ({ pass: ms * 1e6 }));
const command = asking.map((one) => ({ command: one }));

const some = fc.array(
  fc.oneof(
    { weight: 30, arbitrary: command },
    { weight: 5, arbitrary: pass },
    { weight: 1, arbitrary: fc.constantFrom({ release: 'r1' }, { release: undefined }) },
    { weight: 1, arbitrary: fc.boolean().map((paused) => ({ paused })) },
    { weight: 1, arbitrary: fc.boolean().map((force) => ({ force })) },
  ),
  { minLength: 20, maxLength: 60 },
);

/** With what a replay does not do again. */
const all = fc.array(
  fc.oneof(
    { weight: 15, arbitrary: some },
    { weight: 1, arbitrary: fc.constant([{ reset: true }]) },
    { weight: 1, arbitrary: fc.constantFrom('r1', 'r2').map((remove) => [{ remove }]) },
    { weight: 1, arbitrary: ruleWords.map((words) => [{ add: { ...words, id: 'later' } }]) },
  ),
  { minLength: 1, maxLength: 3 },
);

test('what strikes, what is stored and what is answered is what a naive twin says', async () => {
  let strikes = 0;
  const run = fc.asyncProperty(shape, rules(6), all, async (one, plan, steps) => {
    const pair = new StruckPair(one, plan);
    await pair.run(steps.flat());
    strikes += pair.strikes;
  });
  await fc.assert(run, { numRuns: testRuns(60) });
  expect(strikes).toBeGreaterThan(0);
});

test('a replay of a log gives the log', async () => {
  let strikes = 0;
  const run = fc.asyncProperty(shape, rules(5), some, async (one, plan, steps) => {
    const first = new StruckWorld(one, plan);
    await first.run(steps);
    const second = new StruckWorld(one, plan);
    const named = new ReplayLog();
    for (const entry of first.log) named.add(entry);
    second.device.rules.replay(named);
    await second.run(steps);
    expect(second.log).toEqual(first.log);
    strikes += first.log.length;
  });
  await fc.assert(run, { numRuns: testRuns(30), endOnFailure: true });
  expect(strikes).toBeGreaterThan(0);
});

const others = fc.array(asking, { minLength: 100, maxLength: 100 });

test('a plan, a seed and requests give the same log in a hundred runs, whatever other devices do', async () => {
  const run = fc.asyncProperty(
    ...[shape, rules(5), some, rules(5), fc.array(others, { minLength: 3, maxLength: 3 })],
    async (one, plan, steps, otherPlan, beside) => {
      const logs = new Set<string>();
      for (let at = 0; at < 100; at++) {
        const world = new StruckWorld(one, plan);
        const other = world.another('other', otherPlan);
        const theirs = beside[at % beside.length] ?? [];
        await world.run(steps, (step) => {
          for (let more = 0; more < at % 7; more++) {
            const next = theirs[(step * 7 + more + at) % theirs.length];
            if (next !== undefined) other(next);
          }
        });
        logs.add(JSON.stringify(world.log));
      }
      expect(logs.size).toBe(1);
    },
  );
  await fc.assert(run, { numRuns: testRuns(2), endOnFailure: true });
});

test('nor does it matter to a client what others do to other sectors', async () => {
  // What is counted for all clients together depends on all of them; dice and counts of one's own do not.
  const own = rules(4).map((plan) =>
    plan.map(({ set_state: _, state: _state, nth, skip, interval, times, burst, ...words }) => {
      const counts = { nth, skip, interval, times, burst };
      const isTrace = `${words['delay']}`.startsWith('trace:'); // its place is a count, too
      const counted = isTrace || Object.values(counts).some((value) => value !== undefined);
      const named = Object.entries(counts).filter(([, value]) => value !== undefined);
      return counted ? { ...words, ...Object.fromEntries(named), per: 'client' } : words;
    }),
  );
  const plain = own.filter((plan) =>
    plan.every((words) => !('stale' in words || 'misdirect' in words || 'mark' in words)),
  );
  const run = fc.asyncProperty(
    shape,
    plain,
    fc.array(asking),
    others,
    async (one, plan, mine, theirs) => {
      const logs = new Set<string>();
      for (let at = 0; at < 100; at++) {
        const world = new StruckWorld(one, plan);
        const steps = mine
          .filter(({ op }) => op !== 'flush')
          .flatMap((asked, step) => {
            const more = Array.from(
              { length: at % 5 },
              (_, n) => theirs[(step * 5 + n) % theirs.length],
            );
            return [
              ...more.flatMap((next) => (next === undefined ? [] : [elsewhere(next)])),
              asked,
            ].map((next) => ({ command: next === asked ? { ...asked, client: 1 } : next }));
          });
        await world.run(steps);
        const entries = world.log.filter(({ client }) => client === 1);
        logs.add(JSON.stringify(entries.map(({ seq: _, ns: _ns, ...entry }) => entry)));
      }
      expect(logs.size).toBe(1);
    },
  );
  await fc.assert(run, { numRuns: testRuns(2), endOnFailure: true });
});

/** Another client's, far from the sectors of the first. */
function elsewhere(one: Asking): Asking {
  return { ...one, block: one.block + 100, client: 2 + (one.client % 2) };
}
