/** Help and docs are what the table says, in both directions. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { rows, topics } from '../../src/config/parameters.ts';
import { helpText, parametersMarkdown } from '../../src/config/render.ts';

const typed = [...rows].filter(([, row]) => row.where !== 'C');
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

test.each([...rows])('the docs of %s have five cells, none of them empty', (name) => {
  const line = parametersMarkdown()
    .split('\n')
    .find((one) => one.startsWith(`| \`${name}\` |`));
  const cells = line?.replaceAll('\\|', '').split('|').slice(1, -1) ?? [];
  expect(cells).toHaveLength(5);
  for (const cell of cells) expect(cell.trim()).not.toBe('');
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
  expect(lines[at]?.endsWith('[not available yet]')).toBe(!row.built);
  const asDefault = row.default === '' ? 'none' : String(Number(row.default));
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
