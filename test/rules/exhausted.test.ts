/** A rule that has met too much to count: it is over, and the log says so once. Source: faults.md section 1 (per). */

import { expect, test } from 'vitest';
import { replayLog } from '../../src/control/faults/replay.ts';
import { operations } from '../../src/rules/operations.ts';
import { parseRules } from '../../src/rules/plan.ts';
import { RuleSet } from '../../src/rules/rule-set.ts';

test('it strikes no more, and an entry tells of it that no replay strikes', () => {
  let left = 100_000;
  const memory = {
    charge: (bytes: number) => {
      if (bytes > left) return false;
      left -= bytes;
      return true;
    },
    release: (bytes: number) => {
      left += bytes;
    },
  };
  const set = new RuleSet('7', 512, memory);
  set.onExhausted = (live, facts) => set.noteExhausted(live, facts, 5);
  set.add(parseRules([{ per: 'sector', nth: 2, error: 'EIO' }]), 0);
  const ask = (sector: number): boolean => {
    const place = { operation: operations.read, sector, sectors: 1, client: 1, capacity: 1e9 };
    return set.decide(Object.assign(set.facts, place)) !== undefined;
  };
  for (let sector = 0; sector < 20_000; sector++) expect(ask(sector)).toBe(false);
  const [entry, ...more] = set.log.after(0);
  expect(entry).toMatchObject({
    seq: 1,
    ns: 5,
    rule: 'r1',
    action: 'exhausted',
    op: 'read',
    detail: {},
  });
  expect(more).toEqual([]);
  expect(set.rules[0]?.exhausted).toBe(true);
  expect(ask(0)).toBe(false);
  const work = replayLog([Buffer.from(`${JSON.stringify(entry)}\n`)], 'nullb0');
  let step = work.next();
  while (step.done !== true) step = work.next();
  expect(step.value.count).toBe(0);
});
