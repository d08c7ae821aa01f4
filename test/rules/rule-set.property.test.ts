/** Which rule strikes which command: against a naive twin that looks at every rule, one by one. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Facts } from '../../src/rules/facts.ts';
import { type Operation, operations } from '../../src/rules/operations.ts';
import { parsePlan } from '../../src/rules/plan.ts';
import { RuleSet } from '../../src/rules/rule-set.ts';
import { testRuns } from '../test-runs.ts';

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

/** The rules told plainly. */
class Twin {
  readonly #rules: readonly Words[];
  readonly #counts = new Map<string, { seen: number; fired: number; burst: number }>();
  state = 0;
  readonly matched: number[];

  constructor(rules: readonly Words[]) {
    this.#rules = rules;
    this.matched = rules.map(() => 0);
  }

  /** @returns the place of the rule that strikes; -1: none. */
  ask(one: Asked): number {
    for (const [at, words] of this.#rules.entries()) {
      if (!this.#matches(words, one)) continue;
      this.matched[at] = (this.matched[at] ?? 0) + 1;
      if (!this.#triggers(at, words, one)) continue;
      this.state = words.set_state ?? this.state;
      return at;
    }
    return -1;
  }

  #matches(words: Words, { op, sector, sectors, client, fua }: Asked): boolean {
    const numbers = (text: string): number[] => text.split('-').map(Number);
    if (words.op !== undefined && !words.op.split(',').includes(op)) return false;
    if (words.sectors !== undefined) {
      const [first = 0, last = 0] = numbers(words.sectors);
      const touched = Array.from({ length: sectors }, (_, i) => sector + i);
      if (!touched.some((one) => one >= first && one <= last)) return false;
    }
    if (words.bytes !== undefined) {
      const [min = 0, max = 0] = numbers(words.bytes);
      if (sectors * 512 < min || sectors * 512 > max) return false;
    }
    if (words.align !== undefined && (sector * 512) % words.align !== 0) return false;
    if (words.fua !== undefined && (words.fua === 1) !== fua) return false;
    if (words.client !== undefined && words.client !== client) return false;
    return words.state === undefined || words.state === this.state;
  }

  #triggers(at: number, words: Words, { sector, client }: Asked): boolean {
    const { per = 'device', skip = 0, interval = 1, times = -1, burst = 1 } = words;
    const key = `${at} ${{ device: 0, client, sector }[per]}`;
    const count = this.#counts.get(key) ?? { seen: 0, fired: 0, burst: 0 };
    this.#counts.set(key, count);
    count.seen++;
    if (count.burst > 0) {
      count.burst--;
      return true;
    }
    if (count.seen <= skip || (count.seen - skip) % interval !== 0) return false;
    if (times !== -1 && count.fired === times) return false;
    count.fired++;
    count.burst = burst - 1;
    return true;
  }
}

function given(words: Words): Record<string, unknown> {
  return Object.fromEntries(Object.entries(words).filter(([, value]) => value !== undefined));
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
        const twin = new Twin(rules);
        const facts = new Facts();
        for (const one of all) {
          const live = set.decide(fill(facts, one));
          if (live !== undefined) set.note(live, facts, 0, {});
          const at = live === undefined ? -1 : set.rules.indexOf(live);
          expect(at).toBe(twin.ask(one));
        }
        expect(set.rules.map(({ matched }) => matched)).toEqual(twin.matched);
        expect(set.state).toBe(twin.state);
      },
    ),
    { numRuns: testRuns(400) },
  );
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
    const live = set.decide(facts(sector));
    live?.keepLatent(facts(sector));
  }
  const [live] = set.rules;
  // One by one this would take hours.
  set.rewritten(16, 2 ** 44);
  expect(live?.strikesLatent(facts(2 ** 40))).toBe(false);
  expect(live?.strikesLatent(facts(8))).toBe(true);
  set.rewritten(0, 2 ** 44);
  expect(live?.hasLatent).toBe(false);
});
