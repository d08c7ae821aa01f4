import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { brokenCitations, type Documents, readDocument } from './citations.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const find = (...words: string[]): string[] =>
  execFileSync('find', words, { cwd: root, encoding: 'utf8' })
    .trim()
    .split('\n')
    .filter((path) => !/(^|\/)(node_modules|dist|\.cache)\//.test(path));

const top = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md'];
const documents: Documents = new Map(
  [...top, ...find('docs', 'src', 'packages', 'bench', 'test', '-name', '*.md')].map((path) => [
    path,
    readDocument(read(path)),
  ]),
);
const files = [
  ...find('src', 'packages', 'bench', 'test', 'scripts', '-name', '*.ts'),
  ...find('scripts', '-name', '*.js'),
].map((path) => ({ path, text: read(path) }));

test('every comment cites what is there', () => {
  expect(files.length).toBeGreaterThan(400);
  expect(files.flatMap((file) => brokenCitations(file, documents))).toEqual([]);
});

describe('citations', () => {
  const some: Documents = new Map([
    [
      'docs/spec/driver.md',
      readDocument('# D\n\n## 1. A\n\n**Read.** x\n\n### 1.2 B\n\n## 2. C\n\n## 3. D\n'),
    ],
    ['docs/running.md', readDocument('# R\n\n## When memory is full\n\n`--memory-limit`\n')],
    ['docs/parameters.md', readDocument('| `mbps` |\n')],
    ['docs/rnull-series.md', readDocument('\n| 6  | a |\n| 7  | b |\n')],
  ]);
  const judge = (...lines: string[]): string[] =>
    brokenCitations(
      { path: 'src/a/x.ts', text: `/** ${lines.join('\n *  ')} */\nimport x;\n` },
      some,
    );

  test.each([
    'Source: driver.md section 1.',
    'Source: driver.md sections 1 to 3, and 1.2.',
    'Source: driver.md section 1, Read; parameter mbps; parameter --memory-limit.',
    'Source: docs/running.md, When memory is full. It says more.',
    'Source: rnull-series 6, 7; sd_notify(3); RFC 9110 (section 3).',
    'Source: driver.md section 1 (power), proc(5).',
  ])('%s', (text) => {
    expect(judge(text)).toEqual([]);
  });

  test('one may go over several lines, and end before a blank one', () => {
    expect(judge('What it is. Source: driver.md', 'section 1.', '', 'Not as others.')).toEqual([]);
    expect(judge('What it is. Source: driver.md', 'section 9.')).toHaveLength(1);
  });

  test.each([
    'Source: driver.md section 4.',
    'Source: driver.md section 1, Write.',
    'Source: other.md section 1.',
    'Source: design.md ("memory is bounded").',
    'Source: docs/running.md, When memory is empty.',
    'Source: parameter mbit.',
    'Source: rnull-series 8.',
    'Source: what somebody said.',
    'As driver.md section 7 has it.',
    'As style.md says.',
  ])('nothing is there: %s', (text) => {
    expect(judge(text).length).toBeGreaterThan(0);
  });
});
