/** differences.ts, docs/differences.md and the recordings say the same. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { differences, tableDifferences } from './differences.ts';
import { recordedParameters, recordedScenarios, scenarioFiles } from './recordings.ts';

const docs = readFileSync(new URL('../../docs/differences.md', import.meta.url), 'utf8');

/** Reason, and the scenarios or rows that it is given for. */
type Named = readonly (readonly [reason: string, names: readonly string[]])[];

function inDocs(): Named {
  const [table = ''] = docs.split('## Not in the recordings');
  const rows = table.split('\n').filter((line) => /^\| `[a-z-]+` /.test(line));
  return rows.map((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    return [quoted(cells[1])[0] ?? '', quoted(cells[4])];
  });
}

function quoted(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

function inCode(): Named {
  const named = [
    ...differences.map(({ reason, scenario }) => [reason, scenario] as const),
    ...tableDifferences.map(({ reason, row }) => [reason, row] as const),
  ];
  const reasons = [...new Set(named.map(([reason]) => reason))];
  return reasons.map((one) => [one, named.filter(([r]) => r === one).map(([, name]) => name)]);
}

function sorted(named: Named): Named {
  return named.map(([reason, names]) => [reason, names.toSorted()] as const).toSorted();
}

test('the docs have every difference with its scenarios, and no other', () => {
  expect(sorted(inDocs())).toEqual(sorted(inCode()));
});

test('what is named exists', () => {
  const scenarios = new Map(
    scenarioFiles.flatMap(recordedScenarios).map((one) => [one.name, one.steps.length]),
  );
  for (const { scenario, steps } of differences) {
    const count = scenarios.get(scenario) ?? 0;
    for (const step of Object.keys(steps)) expect(Number(step), scenario).toBeLessThan(count);
  }
  const { module_parameters, power_on } = recordedParameters();
  const rows = {
    module_parameters: module_parameters.map(({ words }) => words),
    power_on: power_on.map(({ set }) => set),
  };
  for (const { table, row } of tableDifferences) expect(rows[table]).toContain(row);
});

test('a scenario has one entry', () => {
  const names = differences.map(({ scenario }) => scenario);
  expect(new Set(names).size).toBe(names.length);
});
