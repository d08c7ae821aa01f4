/** docs/architecture.md is true where a test can tell: its table of rooms, and the READMEs of folders. */

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { mayImport } from './rules.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

test('the table of rooms is that of the rules', () => {
  const text = read('docs/architecture.md');
  const table = text.slice(text.indexOf('## Rooms'), text.indexOf('## Power'));
  const rows = [...table.matchAll(/^\| (\w+) +\| [^|]+ \| ([^|]+) \|$/gm)].map(
    ([, folder = '', imports = '']) => [
      folder,
      [...imports.matchAll(/`([^`]+)`/g)].map(([, name]) => name).toSorted(),
    ],
  );
  const rules = Object.entries(mayImport).map(([folder, names]) => [folder, names.toSorted()]);
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(rules));
  expect(rows).toHaveLength(rules.length);
});

const folders = readdirSync(new URL('src/', root), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test.each(folders)(
  'src/%s/ has a README of about ten lines, about files that are there',
  (folder) => {
    const text = read(`src/${folder}/README.md`);
    expect(text).toMatch(new RegExp(`^# ${folder}/: `));
    expect(text.trim().split('\n').length).toBeLessThanOrEqual(14);
    const here = new Set(readdirSync(new URL(`src/${folder}/`, root)));
    const named = [...text.matchAll(/`([\w-]+\.ts)`/g)].map(([, file = '']) => file);
    expect(named.filter((file) => !here.has(file))).toEqual([]);
    expect(named.length).toBeGreaterThan(0);
  },
);
