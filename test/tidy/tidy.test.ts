import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  leftOvers,
  longFunctions,
  type SourceFile,
  tooLong,
  undocumented,
  unexplainedCasts,
  wrongImports,
} from './rules.ts';

const root = new URL('../../', import.meta.url);
const paths = execFileSync('find', ['src', 'packages', 'bench/src', 'test', '-name', '*.ts'], {
  cwd: root,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter((path) => !/\/(node_modules|dist)\//.test(path));
const files = paths.map(
  (path): SourceFile => ({ path, text: readFileSync(new URL(path, root), 'utf8') }),
);
const sources = files.filter(({ path }) => !/(^|\/)test\//.test(path));
const program = sources.filter(({ path }) => path.startsWith('src/'));

test('there are files to judge', () => {
  expect(program.length).toBeGreaterThan(50);
  expect(files.length).toBeGreaterThan(program.length);
});

describe('every file', () => {
  test.each([
    ['is short', tooLong, sources],
    ['has short functions', longFunctions, sources],
    ['has no left-over marks', leftOvers, files],
    ['begins with what it is for', undocumented, sources],
    ['explains its casts', unexplainedCasts, sources],
    ['imports only what its folder may', wrongImports, program],
  ] as const)('%s', (_, rule, judged) => {
    expect(judged.flatMap((file) => rule(file))).toEqual([]);
  });
});

describe('each rule finds what breaks it', () => {
  const file = (text: string, path = 'src/block/x.ts'): SourceFile => ({ path, text });
  test.each([
    ['a long file', tooLong, file('x\n'.repeat(301))],
    [
      'a long function',
      longFunctions,
      file(`  #method(a: b): void {\n${'    x();\n'.repeat(71)}  }\n`),
    ],
    [
      'a long function',
      longFunctions,
      file(`export function f(): void {\n${'  x();\n'.repeat(71)}}\n`),
    ],
    ['a mark', leftOvers, file(`// ${'TO'}${'DO'}: later\n`)],
    ['a file that says nothing', undocumented, file('import x\n')],
    ['a cast', unexplainedCasts, file('const a = b as Tag;\n')],
    ['a cast', unexplainedCasts, file('return (x as unknown as Y).z;\n')],
    ['an import against the flow', wrongImports, file("import { A } from '../driver/a.ts';\n")],
    ['an import of more lines', wrongImports, file("import {\n  A,\n} from '../server/a.ts';\n")],
    ['a library in the data path', wrongImports, file("import pino from 'pino';\n")],
    ['the system in the data path', wrongImports, file("import fs from 'node:fs';\n")],
    ['a folder that nobody knows', wrongImports, file('', 'src/new/x.ts')],
  ] as const)('%s', (_, rule, broken) => {
    expect(rule(broken)).toHaveLength(1);
  });
});
