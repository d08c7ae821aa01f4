/** docs/testing.md with other people's test runners and package managers: each file of examples/testing passes
 *  with the program that it is for, and the tarball works as each manager installs it. */

import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { startServer } from '../../src/client/index.ts';
import { folder as folderOfTest } from '../folder.ts';
import { testRuns } from '../test-runs.ts';
import { call, type Said } from './programs.ts';

const checkout = new URL('../../', import.meta.url).pathname;
const examples = join(checkout, 'examples/testing');

function fromNpm(path = ''): string {
  const folder = inject('npmClients');
  if (folder === 'none')
    throw new Error('programs from npm are missing: bash scripts/npm-clients.sh');
  return join(folder, 'node_modules', path);
}

/** A project with one example, tnull, and what it needs from npm. */
function project(example: string, ...packages: string[]): string {
  const folder = folderOfTest();
  for (const name of packages) {
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true });
    symlinkSync(fromNpm(name), join(folder, 'node_modules', name));
  }
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  symlinkSync(checkout, join(folder, 'node_modules/tnull'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  copyFileSync(join(examples, example), join(folder, example));
  return folder;
}

function runIn(folder: string, program: string, ...args: string[]): Said {
  // Not the settings of the run that we are in.
  const { VITEST: _, NODE_OPTIONS: __, ...env } = process.env;
  return call('env', ['-C', folder, process.execPath, program, ...args], { env });
}

/** What it printed, if it failed. */
function outcome({ status, stdout, stderr }: Said): string {
  return status === 0 ? 'passed' : `${stdout}\n${stderr}`;
}

describe('the example for', () => {
  test('vitest', () => {
    const folder = project('vitest.test.ts');
    const vitest = join(checkout, 'node_modules/vitest');
    symlinkSync(vitest, join(folder, 'node_modules/vitest'));
    const said = runIn(folder, join(vitest, 'vitest.mjs'), 'run');
    expect(outcome(said)).toBe('passed');
    expect(said.stdout).toMatch(/Tests .*2 passed/);
  });

  test('node:test', () => {
    const said = runIn(project('node.test.mjs'), '--test', 'node.test.mjs');
    expect(outcome(said)).toBe('passed');
    expect(said.stdout).toMatch(/pass 1\b/);
  });

  test('Jest', () => {
    const said = runIn(project('jest.test.cjs', 'jest'), 'node_modules/jest/bin/jest.js');
    expect(outcome(said)).toBe('passed');
    expect(said.stderr).toMatch(/Tests: +2 passed/);
  });

  test('Playwright', () => {
    const folder = project('playwright.spec.ts', '@playwright/test');
    const said = runIn(folder, 'node_modules/@playwright/test/cli.js', 'test');
    expect(outcome(said)).toBe('passed');
    expect(said.stdout).toContain('2 passed');
  });

  test('@vates/nbd-client', () => {
    const folder = project('vates.test.mjs', '@vates/nbd-client');
    const said = runIn(folder, '--test', 'vates.test.mjs');
    expect(outcome(said)).toBe('passed');
    expect(said.stdout).toMatch(/pass 2\b/);
  });
});

test('docs/testing.md shows each example as it is', () => {
  const text = readFileSync(join(checkout, 'docs/testing.md'), 'utf8');
  const names = readdirSync(examples).filter((name) => name !== 'other');
  expect(names).toHaveLength(5);
  for (const name of names) expect(text).toContain(readFileSync(join(examples, name), 'utf8'));
});

describe('installed by', () => {
  const managers = [
    ['npm', 'npm', ['install', '--engine-strict', '--no-audit', '--no-fund']],
    ['pnpm', 'pnpm/bin/pnpm.cjs', ['add', '--engine-strict']],
    // Its cache knows a tarball by name and version: it would install that of an earlier run.
    ['yarn 1', 'yarn/bin/yarn.js', ['add', '--non-interactive', '--cache-folder', 'cache']],
    ['yarn 4', '@yarnpkg/cli-dist/bin/yarn.js', ['add']],
  ] as const;

  test.each(managers)('%s it serves, alone', (name, program, args) => {
    const folder = folderOfTest();
    execFileSync('bash', ['scripts/pack.sh', folder, '--ignore-scripts'], { cwd: checkout });
    writeFileSync(
      join(folder, 'package.json'),
      '{ "type": "module", "private": true, "license": "MIT" }\n',
    );
    writeFileSync(
      join(folder, '.yarnrc.yml'),
      'nodeLinker: node-modules\nenableTelemetry: false\n',
    );
    const packed = readdirSync(folder).find((file) => file.endsWith('.tgz')) ?? '';
    const said =
      name === 'npm'
        ? call('env', ['-C', folder, 'npm', ...args, `./${packed}`])
        : runIn(
            folder,
            fromNpm(program),
            ...args,
            name === 'yarn 4' ? `tnull@file:./${packed}` : `./${packed}`,
          );
    expect(outcome(said)).toBe('passed');
    const warnings = `${said.stdout}${said.stderr}`.match(/^.*\bwarn.*$/gim) ?? [];
    expect(warnings).toEqual([]);
    const there = readdirSync(join(folder, 'node_modules')).filter((file) => !file.startsWith('.'));
    expect(there).toEqual(['tnull']);
    writeFileSync(
      join(folder, 'serve.js'),
      "import { startDevice } from 'tnull';\nconst disk = await startDevice({ size: 1 });\n" +
        'console.log((await disk.attributes()).size);\nawait disk.stop();\n',
    );
    expect(runIn(folder, 'serve.js').stdout).toBe('1\n');
  });
});

/** Processes with this variable in their environment: a daemon's children inherit it. */
function processesWith(variable: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(variable);
    } catch {
      return false; // it has ended
    }
  });
}

/** Two hundred with TNULL_TEST_RUNS=5, a dozen with 0.3. */
const ROW = testRuns(40);
const AT_ONCE = testRuns(50);

test(`of ${ROW} servers in a row, and of ${AT_ONCE} at once, nothing is left`, async () => {
  const begun: number[] = [];
  // Sockets and other files are below the one, or in the other.
  const TMPDIR = folderOfTest();
  const XDG_RUNTIME_DIR = folderOfTest();
  const env = { TMPDIR, XDG_RUNTIME_DIR };
  for (let count = 0; count < ROW; count++) {
    const before = performance.now();
    const server = await startServer({ env });
    begun.push(performance.now() - before);
    if (count === 0) expect(processesWith(`TMPDIR=${TMPDIR}`)).toContain(String(server.pid));
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  }
  const many = await Promise.all(Array.from({ length: AT_ONCE }, () => startServer({ env })));
  expect(many.every(({ control }) => control.startsWith(TMPDIR))).toBe(true);
  expect(new Set(many.map(({ control }) => control)).size).toBe(AT_ONCE);
  await Promise.all(many.map((server) => server.create('disk', { size: 1 })));
  await Promise.all(many.map((server) => server.stop()));
  expect(readdirSync(TMPDIR)).toEqual([]);
  expect(readdirSync(XDG_RUNTIME_DIR)).toEqual([]);
  expect(processesWith(`TMPDIR=${TMPDIR}`)).toEqual([]);
  const median = begun.toSorted((a, b) => a - b)[ROW >> 1] ?? 0;
  process.stdout.write(`start to ready, median of ${ROW}: ${median.toFixed(0)} ms\n`);
});
