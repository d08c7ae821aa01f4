import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { alone } from '../../vitest.config.ts';
import {
  anys,
  hooksOfHelpers,
  leftOvers,
  longFunctions,
  movedTimers,
  negations,
  nodeHandles,
  nonNulls,
  numberedReferences,
  numberGrammars,
  packageImports,
  processEnds,
  type SourceFile,
  shortLimits,
  shortTests,
  temporaryFolders,
  tooLong,
  undocumented,
  unexplainedCasts,
  wrongImports,
} from './rules.ts';

const root = new URL('../../', import.meta.url);
const folders = ['src', 'packages', 'bench/src', 'scripts', 'test'];
const paths = execFileSync('find', [...folders, '-name', '*.ts', '-o', '-name', '*.tsx'], {
  cwd: root,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter((path) => !/\/(node_modules|dist)\/|\.d\.ts$/.test(path));
const files = paths.map(
  (path): SourceFile => ({ path, text: readFileSync(new URL(path, root), 'utf8') }),
);
const sources = files.filter(({ path }) => !/(^|\/)test\//.test(path));
const configurations = readdirSync(root)
  .filter((name) => /^vitest\..*config\.ts$/.test(name))
  .map((path): SourceFile => ({ path, text: readFileSync(new URL(path, root), 'utf8') }));
const program = sources.filter(({ path }) => path.startsWith('src/'));
const packages = sources.filter(({ path }) => /^packages\/[\w-]+\/src\//.test(path));

test('there are files to judge', () => {
  expect(program.length).toBeGreaterThan(50);
  expect(packages.length).toBeGreaterThan(5);
  expect(configurations.length).toBeGreaterThan(3);
  expect(files.length).toBeGreaterThan(program.length);
});

test('what looks for objects in the heap runs in a process that makes no others', () => {
  const measuring = files.filter(({ text }) => /from '[./]*(?:test\/)?allocated\.ts'/.test(text));
  expect(measuring.length).toBeGreaterThan(3);
  expect(alone).toEqual(expect.arrayContaining(measuring.map(({ path }) => path)));
});

test('what puts a module in the place of another runs in a process that has loaded neither', () => {
  const replacing = files.filter(({ text }) => /^ *vi\.(?:m|doM)ock\(/m.test(text));
  expect(replacing.length).toBeGreaterThan(0);
  expect(alone).toEqual(expect.arrayContaining(replacing.map(({ path }) => path)));
});

describe('every file', () => {
  test.each([
    ['is short', tooLong, sources],
    ['has short functions', longFunctions, sources],
    ['has no left-over marks', leftOvers, files],
    ['cites no issue and no trap by its number', numberedReferences, files],
    ['begins with what it is for', undocumented, sources],
    ['says what is not so in plain words', negations, sources],
    ['explains its casts', unexplainedCasts, sources],
    ['has no any', anys, files],
    ['has no non-null assertion', nonNulls, files],
    ['makes temporary folders in one place', temporaryFolders, files],
    ['leaves hooks to test files', hooksOfHelpers, files],
    ['has no limit on clients that a busy machine breaks', shortLimits, files],
    ['has no test with less time than the others', shortTests, [...files, ...configurations]],
    ['leaves the clock of tests to one place', movedTimers, files],
    ['imports only what its folder may', wrongImports, program],
    ['imports nothing from outside its package', packageImports, packages],
    ['leaves the end of the process to one place', processEnds, program],
    ['leaves the grammar of numbers to one place', numberGrammars, program],
    ['leaves the handles of Node’s sockets to one place', nodeHandles, program],
  ] as const)('%s', (_, rule, judged) => {
    expect(judged.flatMap((file) => rule(file))).toEqual([]);
  });
});

describe('each rule finds what breaks it', () => {
  const file = (text: string, path = 'src/block/x.ts'): SourceFile => ({ path, text });
  test.each([
    ['a long file', tooLong, file('x\n'.repeat(401))],
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
    [
      'a long function whose head has more lines',
      longFunctions,
      file(`async function f(\n  a: A,\n): Promise<void> {\n${'  x();\n'.repeat(71)}}\n`),
    ],
    [
      'a long arrow function',
      longFunctions,
      file(`export const f = (a: A): void => {\n${'  x();\n'.repeat(71)}};\n`),
    ],
    ['a mark', leftOvers, file(`// ${'TO'}${'DO'}: later\n`)],
    ['the number of an issue', numberedReferences, file(`// see ${'iss'}ue 12\n`)],
    ['the number of a trap', numberedReferences, file(`test('${'tra'}p 7: x')\n`)],
    ['a number alone', numberedReferences, file(`// as in #${'12'}\n`)],
    ['a file that says nothing', undocumented, file('import x\n')],
    ['a cast', unexplainedCasts, file('const a = b as Tag;\n')],
    ['a cast', unexplainedCasts, file('return (x as unknown as Y).z;\n')],
    ['any as a type', anys, file('function f(a: any): void {}\n')],
    ['any as an argument', anys, file('const a = new Map<string, any>();\n')],
    ['any in a cast', anys, file('f(a as any); // it fits\n')],
    ['any in an array', anys, file('let a: readonly any[];\n')],
    ['a non-null assertion', nonNulls, file('const a = b!.c;\n')],
    ['a non-null assertion at the end', nonNulls, file('const a = b[0]!;\n')],
    ['a non-null assertion of a call', nonNulls, file('f(g()!, 1);\n')],
    ['an import against the flow', wrongImports, file("import { A } from '../driver/a.ts';\n")],
    ['an import of more lines', wrongImports, file("import {\n  A,\n} from '../server/a.ts';\n")],
    ['a library in the data path', wrongImports, file("import pino from 'pino';\n")],
    ['a library by its side door', wrongImports, file("import pino from 'pino/file.js';\n")],
    ['an import for its effect', wrongImports, file("import 'pino';\n")],
    ['a dynamic import', wrongImports, file("const a = await import('pino');\n")],
    ['a type of the driver', wrongImports, file("import type { A } from '../driver/a.ts';\n")],
    ['an export against the flow', wrongImports, file("export { A } from '../export/a.ts';\n")],
    ['commander in the daemon', wrongImports, file("import 'commander';\n", 'src/daemon/x.ts')],
    ['pino in the server', wrongImports, file("import 'pino';\n", 'src/server/x.ts')],
    ['pino on the command line', wrongImports, file("import 'pino';\n", 'src/cli/x.ts')],
    ['units that know rooms', wrongImports, file("import './block/a.ts';\n", 'src/units.ts')],
    ['the system in the protocol', packageImports, file("import net from 'node:net';\n")],
    ['a way out of the package', packageImports, file("import '../../../src/units.ts';\n")],
    ['the system in the data path', wrongImports, file("import fs from 'node:fs';\n")],
    ['the same, not imported', wrongImports, file("process.getBuiltinModule('node:fs');\n")],
    ['a temporary folder', temporaryFolders, file('f(mkdtempSync(a));\n', 'test/x.ts')],
    ['the place of them', temporaryFolders, file('const a = join(tmpdir(), b);\n', 'test/x.ts')],
    ['a hook of a helper', hooksOfHelpers, file('afterEach(() => {\n', 'test/x.ts')],
    ['a short limit', shortLimits, file('f({ handshakeTime: 0.2 });\n', 'test/x.ts')],
    ['a test with little time', shortTests, file('}, 30_000);\n', 'test/x.test.ts')],
    ['hooks with little time', shortTests, file('  hookTimeout: 120_000,\n', 'vitest.x.config.ts')],
    ['a moved timer', movedTimers, file('vi.useFakeTimers();\n', 'test/x.ts')],
    ['an end of the process', processEnds, file('  process.exit(1);\n')],
    ['a status for the end', processEnds, file('process.exitCode = 1;\n')],
    ['standard output', processEnds, file("process.stdout.write('x');\n")],
    ['standard input', processEnds, file('for await (const a of process.stdin) b(a);\n')],
    ['a replaced stream', processEnds, file('process.stdout.end();\n', 'src/cli/process-end.ts')],
    ['the console', processEnds, file('console.error(1);\n')],
    ['a noun that is denied', negations, file("throw new Error('x is no number');\n")],
    ['a grammar of numbers', numberGrammars, file('const A = /^0[xX][0-9a-f]+$/;\n')],
    ['a handle of a socket', nodeHandles, file('socket._handle = null;\n')],
    ['a folder that nobody knows', wrongImports, file('', 'src/new/x.ts')],
  ] as const)('%s', (_, rule, broken) => {
    expect(rule(broken)).toHaveLength(1);
  });
});

test('what only looks like a violation is none', () => {
  const text = [
    '/** Any file may say any word, also !important. */',
    "import { A } from './a.ts';",
    'if (a !== b && !c && !(d != e)) throw new Error(`any, at last!`);',
    "const any = 'x as any: any!'; // b!.c",
    'f({ a: !b, c: [!d] }); // it is no number',
    "const words = ['there is no room', 'it is no longer so'];",
  ].join('\n');
  const file = { path: 'src/block/x.ts', text };
  for (const rule of [
    anys,
    nonNulls,
    negations,
    wrongImports,
    packageImports,
    longFunctions,
    undocumented,
  ]) {
    expect(rule(file), rule.name).toEqual([]);
  }
});
