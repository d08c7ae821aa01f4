/** README.md: how long it is, and its pictures. Its table of the benchmark: test/bench/record.test.ts. */

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { recipeLines, terminalCast } from '../../scripts/docs/cast.ts';

const top = new URL('../../', import.meta.url).pathname;
const readme = readFileSync(`${top}README.md`, 'utf8');

test('README.md is no longer than a newcomer reads', () => {
  expect(readme.split('\n').length - 1).toBeLessThanOrEqual(200);
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
  const documents = ['benchmark', 'page'].map((name) => `${top}docs/${name}.md`);
  const pages = [readme, ...documents.map((path) => readFileSync(path, 'utf8'))].join('\n');
  for (const name of readdirSync(`${top}docs/images`)) {
    expect(pages).toContain(`images/${name})`);
    const picture = readFileSync(`${top}docs/images/${name}`);
    // What the tests of the page show of it.
    const isShot = /^page-[\w-]+\.jpg$/.test(name) && picture.length < 100 << 10;
    if (!isShot) expect(picture.toString()).toMatch(/^<svg .*<\/svg>\n$/s);
  }
});
