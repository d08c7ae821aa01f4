/** docs/rnull-series.md names files that are there; titles.test.ts judges the titles. That the tests pass
 *  in the same run is shown-reporter.ts's to say. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { documentRows, means, type Row, readRows, unshown } from './rows.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const rows = documentRows();

test('there are 79 rows, one for each number', () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 79 }, (_, at) => at + 1));
  for (const { number, part } of rows) expect(part, `row ${number}`).not.toBe('');
});

test.each(rows)('row $number ($part) names code and tests that are there', ({ code, tests }) => {
  expect(code.length).toBeGreaterThan(0);
  expect(tests.length).toBeGreaterThan(0);
  const files = [...code, ...tests.map(({ file }) => file)];
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  for (const file of code) expect(file).not.toMatch(/\.test\.ts$/);
  for (const { file } of tests)
    expect(file).toMatch(/^(test|packages\/[\w-]+\/test)\/.*\.test\.ts$/);
});

test('one formatter and linter judges every source, and CI runs it', () => {
  const biome = (text: string): string => {
    const command = ['format', '--stdin-file-path=src/units.ts'];
    const bin = join(root, 'node_modules/.bin/biome');
    return execFileSync(bin, command, { cwd: root, input: text, encoding: 'utf8' });
  };
  expect(biome('const a = {b:"c" }\n')).toBe("const a = { b: 'c' };\n");
  const lint = readFileSync(join(root, 'scripts/lint.sh'), 'utf8');
  expect(lint).toMatch(/^check .* biome check --no-errors-on-unmatched \.$/m);
  expect(readFileSync(join(root, '.ci/run'), 'utf8')).toMatch(
    /^stage lint \d+ bash scripts\/lint.sh$/m,
  );
});

describe('the check itself', () => {
  const row = (shown: string): Row => {
    const [read] = readRows(`| 1 | a | b | [x.ts](../x.ts) | ${shown} |`);
    if (read === undefined) throw new Error('no row');
    return read;
  };
  const named = row(
    '[t.test.ts](../t.test.ts): `a > b (…)`, `c`<br>[u.test.ts](../u.test.ts): `d`',
  );

  test('reads rows', () => {
    expect(named.tests).toEqual([
      { file: 't.test.ts', title: 'a > b (…)' },
      { file: 't.test.ts', title: 'c' },
      { file: 'u.test.ts', title: 'd' },
    ]);
    expect(() => row('[t.test.ts](../u.test.ts): `a`')).toThrow('leads to');
    expect(() => readRows('| 1 | too | few |')).toThrow('no row');
  });

  test('finds what is missing, was skipped or failed', () => {
    const results = new Map([
      [
        't.test.ts',
        new Map([
          ['a > b (1)', true],
          ['a > b (2)', false],
          ['c', true],
        ]),
      ],
    ]);
    expect(unshown(named, (file) => results.get(file))).toEqual([
      "row 1: t.test.ts: a > b (…): 'a > b (2)' did not run and pass",
      'row 1: u.test.ts: d: there is no such test',
    ]);
  });

  test('takes titles literally but for …', () => {
    expect(means('a.b (…)', 'a.b (x\ny)')).toBe(true);
    expect(means('a.b', 'axb')).toBe(false);
    expect(means('a', 'a > b')).toBe(false);
    expect(means('…', 'anything')).toBe(true);
    expect(means('a … b', 'a x c')).toBe(false);
    expect(means('a 1 (…)', 'a … (of b)')).toBe(true);
    expect(means('a … b', '… c')).toBe(false);
  });
});
