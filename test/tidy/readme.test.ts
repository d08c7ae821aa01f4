/** README.md: how long it is, its table of the benchmark (docs/benchmark.json), its pictures. */

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { recipeLines, terminalCast } from '../../scripts/docs/cast.ts';
import { type Benchmark, chart } from '../../scripts/docs/charts.ts';

const top = new URL('../../', import.meta.url).pathname;
const readme = readFileSync(`${top}README.md`, 'utf8');
// The file is ours: charts refuse what is not in it.
const measured = JSON.parse(readFileSync(`${top}docs/benchmark.json`, 'utf8')) as Benchmark;

test('README.md is no longer than a newcomer reads', () => {
  expect(readme.split('\n').length - 1).toBeLessThanOrEqual(200);
});

test('the table of README.md is what was measured', () => {
  const rows = [...readme.matchAll(/^\| ((?:rand)?(?:read|write) .*?) *\| MiB\/s \|(.*)\|$/gm)];
  expect(rows.length).toBeGreaterThanOrEqual(3);
  for (const [, name = '', cells = ''] of rows) {
    const told = cells.split('|').map((cell) => Number.parseFloat(cell));
    const speed = measured.groups.find(({ group }) => group === 'speed');
    const row = speed?.rows.find((one) => one.case === name)?.measured ?? {};
    const [tnull, nbdkit, limit] = ['tnull', 'nbdkit', 'limit'].map((one) => row[one]?.value ?? 0);
    expect(told.slice(0, 3), name).toEqual([tnull, nbdkit, limit]);
    expect(told[3]).toBeCloseTo((tnull ?? 0) / (nbdkit ?? 1), 1);
    expect(told[4]).toBeCloseTo((tnull ?? 0) / (limit ?? 1), 1);
  }
});

test('a chart refuses what was not measured', () => {
  expect(() => chart(measured, 'speed', ['no such case'], 'x')).toThrow('no speed: no such case');
});

test('the cast shows each line of its recipe, in order and escaped', () => {
  const lines = recipeLines(readme, 'A bad sector');
  expect(lines.join('\n')).toContain('tnull set disk badblocks=+2048-2055');
  const shown = terminalCast([...lines, "echo '<&>'"], 'label').match(/(?<=>).*(?=<\/text>)/g);
  expect(shown?.map((line) => line.replace(/^\$ /, ''))).toEqual([
    ...lines.map((line) => line.replace(/^# /, '')),
    "echo '&lt;&amp;&gt;'",
  ]);
});

test('every picture is shown somewhere, and is one of ours', () => {
  const pages = [readme, readFileSync(`${top}docs/benchmark.md`, 'utf8')].join('\n');
  for (const name of readdirSync(`${top}docs/images`)) {
    expect(pages).toContain(`images/${name})`);
    expect(readFileSync(`${top}docs/images/${name}`, 'utf8')).toMatch(/^<svg .*<\/svg>\n$/s);
  }
});
