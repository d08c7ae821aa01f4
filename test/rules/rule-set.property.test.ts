/** Which rule strikes which command: against a naive twin that looks at every rule, one by one. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Facts } from '../../src/rules/facts.ts';
import { type Operation, operations } from '../../src/rules/operations.ts';
import { parsePlan } from '../../src/rules/plan.ts';
import { RuleSet } from '../../src/rules/rule-set.ts';
import { testRuns } from '../test-runs.ts';
import { TwinRules, type TwinWords } from './twin.ts';

const names = ['read', 'write', 'flush', 'discard'] as const;

interface Asked {
  readonly op: (typeof names)[number];
  readonly sector: number;
  readonly sectors: number;
  readonly client: number;
  readonly fua: boolean;
}

const asked: fc.Arbitrary<Asked> = fc
  .record({
    op: fc.constantFrom(...names),
    sector: fc.integer({ min: 0, max: 20 }),
    sectors: fc.integer({ min: 1, max: 6 }),
    client: fc.integer({ min: 1, max: 3 }),
    fua: fc.boolean(),
  })
  .map((one) => (one.op === 'flush' ? { ...one, sector: 0, sectors: 0 } : one));

function optional<T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(of, { nil: undefined });
}

const rule = fc
  .record({
    op: optional(fc.subarray([...names], { minLength: 1 })),
    sectors: optional(fc.tuple(fc.nat(20), fc.nat(6))),
    bytes: optional(fc.tuple(fc.nat(3), fc.nat(3))),
    align: optional(fc.constantFrom(1024, 4096)),
    fua: optional(fc.constantFrom(0, 1)),
    client: optional(fc.integer({ min: 1, max: 3 })),
    state: optional(fc.constantFrom(0, 1)),
    per: optional(fc.constantFrom('device', 'client', 'sector')),
    skip: optional(fc.nat(3)),
    interval: optional(fc.integer({ min: 1, max: 3 })),
    times: optional(fc.integer({ min: -1, max: 3 })),
    burst: optional(fc.integer({ min: 1, max: 3 })),
    set_state: optional(fc.constantFrom(0, 1)),
  })
  .map((words) => ({
    ...words,
    op: words.op?.join(','),
    sectors: words.sectors && `${words.sectors[0]}-${words.sectors[0] + words.sectors[1]}`,
    bytes: words.bytes && `${words.bytes[0] * 512}-${(words.bytes[0] + words.bytes[1]) * 512}`,
    error: 'EIO',
  }))
  .filter((words) => !(words.op === 'flush' && words.sectors !== undefined));

type Words = typeof rule extends fc.Arbitrary<infer T> ? T : never;

function given(words: Words): TwinWords {
  const all = Object.entries(words);
  return Object.fromEntries(
    all.filter((entry): entry is [string, string | number] => entry[1] !== undefined),
  );
}

function fill(facts: Facts, one: Asked): Facts {
  const { op, sector, sectors, client, fua } = one;
  const operation: Operation = operations[op];
  return Object.assign(facts, { operation, sector, sectors, bytes: sectors * 512, client, fua });
}

test('the first rule in order that strikes is found, and those before it have counted', () => {
  fc.assert(
    fc.property(
      fc.array(rule, { minLength: 1, maxLength: 8 }),
      fc.array(asked, { minLength: 1, maxLength: 60 }),
      (rules, all) => {
        const set = new RuleSet('7', 512);
        set.load(parsePlan({ rules: rules.map(given) }), 0);
        const twin = new TwinRules('7', 512, Number.MAX_SAFE_INTEGER);
        const named = rules.map((words, at) => ({ id: `r${at + 1}`, ...given(words) }));
        twin.add(named, 0);
        const facts = new Facts();
        for (const one of all) {
          const live = set.decide(fill(facts, one));
          if (live !== undefined) set.note(live, facts, 0, {});
          expect(live?.rule.id).toBe(twin.ask(one, 0)?.id);
        }
        expect(set.rules.map(({ matched }) => matched)).toEqual(
          twin.rules.map(({ matched }) => matched),
        );
        expect(set.state).toBe(twin.state);
      },
    ),
    { numRuns: testRuns(400) },
  );
});

test.each([2 ** 32, 2 ** 32 + 1, 2 ** 32 + 2, 2 ** 53 - 1])('a burst of %i goes on', (burst) => {
  const set = new RuleSet('', 512);
  set.load(parsePlan({ rules: [{ op: 'read', nth: 2, burst, error: 'EIO' }] }), 0);
  const one = { op: 'read', sector: 0, sectors: 1, client: 1, fua: false } as const;
  const struck = Array.from({ length: 5 }, () => set.decide(fill(set.facts, one)) !== undefined);
  expect(struck).toEqual([false, true, true, true, true]);
});

test('what a throw gives depends on the command alone, not on what runs beside it', () => {
  const plan = parsePlan({ seed: '7', rules: [{ probability: 30, error: 'EIO' }] });
  const fates = (others: readonly Asked[], all: readonly Asked[]): boolean[] => {
    const set = new RuleSet('', 512);
    set.load(plan, 0);
    const facts = new Facts();
    return all.map((one, at) => {
      const other = others[at];
      if (other !== undefined) set.decide(fill(facts, { ...other, sector: other.sector + 100 }));
      return set.decide(fill(facts, one)) !== undefined;
    });
  };
  fc.assert(
    fc.property(fc.array(asked), fc.array(asked), (others, all) => {
      const ranged = all.filter(({ op }) => op !== 'flush');
      const beside = others.filter(({ op }) => op !== 'flush');
      expect(fates(beside, ranged)).toEqual(fates([], ranged));
    }),
    { numRuns: testRuns(100) },
  );
});

test('zeroes as long as a large device heal latent sectors without a look at each of theirs', () => {
  const set = new RuleSet('seed', 512);
  set.load(parsePlan({ rules: [{ op: 'read', error: 'EIO', until: 'rewrite' }] }), 0);
  const facts = (sector: number): Facts =>
    Object.assign(new Facts(), { operation: operations.read, sector, sectors: 8, bytes: 4096 });
  for (const sector of [8, 2 ** 40]) {
    expect(set.decide(facts(sector))).toBe(set.rules[0]);
  }
  const [live] = set.rules;
  // One by one this would take hours.
  set.rewritten(16, 2 ** 44);
  expect(live?.isLatent(2 ** 40, 8)).toBe(false);
  expect(live?.isLatent(8, 8)).toBe(true);
  set.rewritten(0, 2 ** 44);
  expect(live?.hasLatent).toBe(false);
});
