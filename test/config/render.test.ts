/** Help and docs agree with the table, in both directions. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parametersMarkdown } from '../../scripts/docs/parameters.ts';
import { attributeNames } from '../../src/config/attributes.ts';
import { rows } from '../../src/config/parameters.ts';
import { helpText } from '../../src/config/render.ts';
import { topics } from '../../src/config/rows.ts';
import { typed } from './words.ts';

const docs = new URL('../../docs/parameters.md', import.meta.url);

test('docs/parameters.md is exactly what the table renders: else `npm run docs`', () => {
  expect(readFileSync(docs, 'utf8')).toBe(parametersMarkdown());
});

test('the docs have one row for each parameter and attribute, in the order of the table', () => {
  const names = [...parametersMarkdown().matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  const inOrder = topics.flatMap((topic) =>
    [...rows].filter(([, row]) => row.topic === topic).map(([name]) => name),
  );
  expect(names).toEqual(inOrder);
  expect(new Set(names)).toEqual(new Set(rows.keys()));
});

function cellsOf(name: string): string[] {
  const line = parametersMarkdown()
    .split('\n')
    .find((one) => one.startsWith(`| \`${name}\` |`));
  const cells = line?.replaceAll('\\|', '').split('|').slice(1, -1) ?? [];
  return cells.map((cell) => cell.trim());
}

test.each([...rows])('the docs of %s have seven cells, none of them empty', (name) => {
  expect(cellsOf(name)).toHaveLength(7);
  expect(cellsOf(name)).not.toContain('');
});

test('the docs name every flag and every attribute, and those only', () => {
  const cells = [...rows.keys()].map(cellsOf);
  const flags = cells.map(([, flag]) => flag).filter((flag) => flag !== '-');
  expect(flags).toEqual(typed.map(([name]) => `\`--${name.replaceAll('_', '-')}\``));
  const attributes = cells.map(([, , attribute = '']) => attribute.replaceAll('`', ''));
  const groups = ['timeout_inject', 'requeue_inject', 'init_hctx_fault_inject'];
  expect(attributes.filter((name) => name !== '-').toSorted()).toEqual(
    [...attributeNames, ...groups.map((name) => `${name} (group)`), 'features'].toSorted(),
  );
});

test.each([
  ['nr_devices', 'at start only'],
  ['bs', 'while off'],
  ['submit_queues', 'at any time'],
  ['badblocks', 'at any time'],
  ['zone_readonly', 'while on'],
  ['index', 'while off'],
  ['features', 'never'],
])('the docs of %s say that it can be set %s', (name, moment) => {
  expect(cellsOf(name)[3]).toBe(moment);
});

test('help names every parameter with its default, under its topic', () => {
  const flags = [...helpText().matchAll(/^ {2}(--[a-z-]+) /gm)].map(([, flag]) => flag);
  const wanted = topics.flatMap((topic) =>
    typed
      .filter(([, row]) => row.topic === topic)
      .map(([name]) => `--${name.replaceAll('_', '-')}`),
  );
  expect(flags).toEqual(wanted);
  const headings = [...helpText().matchAll(/^([a-z ]+):$/gm)].map(([, topic]) => topic);
  expect(headings).toEqual(topics.filter((topic) => typed.some(([, row]) => row.topic === topic)));
});

test.each(typed)('help says what %s is, its default and its range', (name, row) => {
  const lines = helpText().split('\n');
  const at = lines.findIndex((line) => line.startsWith(`  --${name.replaceAll('_', '-')} `));
  expect(lines[at]).toContain(row.help);
  const asDefault =
    typeof row.default === 'string' ? row.default || 'none' : String(Number(row.default));
  expect(lines[at + 1]?.trim()).toMatch(new RegExp(`^default ${asDefault}; \\S`));
  if (row.kind === 'integer' && row.rule === undefined) {
    expect(lines[at + 1]).toContain(`${row.min}..${row.max}`);
  }
});

test('an attribute that is no parameter is not in the help', () => {
  for (const [name, row] of rows) {
    if (row.where !== 'C') continue;
    expect(helpText()).not.toMatch(new RegExp(`^ {2}--${name.replaceAll('_', '-')} `, 'm'));
  }
});
