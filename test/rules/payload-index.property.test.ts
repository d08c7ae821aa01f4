/** Rules that look for bytes in a payload, many at once: against one look at each place for each rule. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Segments } from '../../src/pages/segments.ts';
import { Facts } from '../../src/rules/facts.ts';
import { operations } from '../../src/rules/operations.ts';
import { parsePlan } from '../../src/rules/plan.ts';
import { RuleSet } from '../../src/rules/rule-set.ts';
import { testRuns } from '../test-runs.ts';

const BLOCK = 1024;

const pattern = fc.record({
  bytes: fc.uint8Array({ minLength: 1, maxLength: 7, max: 2 }),
  every: fc.constantFrom(undefined, 512, 1536),
});

function naive(data: Buffer, offset: number, bytes: Uint8Array, every: number): boolean {
  for (let at = 0; at + bytes.length <= data.length; at++) {
    if ((offset + at) % every === 0 && data.subarray(at, at + bytes.length).equals(bytes))
      return true;
  }
  return false;
}

test('each rule finds its bytes, in whatever pieces they lie', () => {
  fc.assert(
    fc.property(
      fc.array(pattern, { minLength: 1, maxLength: 24 }),
      fc.nat(5),
      fc.uint8Array({ minLength: 3072, maxLength: 3072, max: 2 }),
      fc.array(fc.integer({ min: 1, max: 3071 })),
      (patterns, sector, all, cuts) => {
        const data = Buffer.from(all);
        const set = new RuleSet('', BLOCK);
        const rules = patterns.map(({ bytes, every }) => ({
          op: 'write',
          times: 0,
          mark: 'x',
          data: Buffer.from(bytes).toString('hex'),
          ...(every === undefined ? {} : { data_every: every }),
        }));
        set.load(parsePlan({ rules }), 0);
        const payload = new Segments();
        const places = [...new Set([0, ...cuts, data.length])].sort((a, b) => a - b);
        for (const [at, end] of places.slice(1).entries()) {
          const start = places[at] ?? 0;
          payload.add(data, start, end - start);
        }
        const sectors = data.length / 512;
        const about = { operation: operations.write, sector, sectors, bytes: data.length };
        set.decide(Object.assign(new Facts(), about, { payload }));
        expect(set.rules.map(({ matched }) => matched === 1)).toEqual(
          patterns.map(({ bytes, every = BLOCK }) => naive(data, sector * 512, bytes, every)),
        );
      },
    ),
    { numRuns: testRuns(60) },
  );
});
