import { describe, expect, test } from 'vitest';
import { readsOf } from './cache-rule.ts';
import { differences } from './differences.ts';
import { recordedScenarios, scenarioFiles } from './recordings.ts';

const scenarios = scenarioFiles
  .flatMap(recordedScenarios)
  .filter(({ quirk }) => quirk === 'cache-in-place');

describe.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', (_, one) => {
  test("null_blk's version of the rule gives every recorded read", () => {
    for (const [number, data] of readsOf(one, true)) {
      expect(data, `step ${number}`).toEqual(one.steps[number]?.data);
    }
  });

  test("tnull's version differs in the steps that differences.ts names, and in no other", () => {
    const ours = readsOf(one, false);
    const changed = [...ours].filter(([number, data]) => !same(data, one.steps[number]?.data));
    const named = differences
      .filter(({ scenario }) => scenario === one.name)
      .flatMap(({ steps }) => Object.keys(steps).map(Number));
    expect(named).toEqual(changed.map(([number]) => number));
  });
});

test('there are such scenarios', () => {
  expect(scenarios.length).toBeGreaterThan(10);
});

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
