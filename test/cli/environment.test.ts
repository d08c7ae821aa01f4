/** `TNULL_*`: every flag and every parameter by a variable. Source: test-api.md section 1. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { takeVariables } from '../../src/cli/environment.ts';
import { allFlags } from '../../src/cli/flags.ts';
import { limitFlags } from '../../src/cli/limit-flags.ts';
import { parseArguments } from '../../src/cli/parse-arguments.ts';
import { typed } from '../config/words.ts';
import { folder } from '../folder.ts';
import { program, runIn, startIn } from './program.ts';

const argv = (environment: NodeJS.ProcessEnv, ...words: string[]): readonly string[] =>
  takeVariables(environment, words).argv;
const longOf = (flags: string): string => /--[\w-]+/.exec(flags)?.[0] ?? '';
const variableOf = (long: string): string =>
  `TNULL_${long.replace(/^--/, '').replaceAll('-', '_').toUpperCase()}`;

test.each(typed.map(([name]) => name))('%s has a variable', (name) => {
  const long = `--${name.replaceAll('_', '-')}`;
  expect(argv({ [variableOf(long)]: '1' })).toEqual([`${long}=1`]);
});

test.each([...allFlags, ...limitFlags].map(({ flags }) => longOf(flags)))(
  '%s has a variable',
  (long) => {
    const [argument] = argv({ [variableOf(long)]: '1' });
    expect([long, `${long}=1`]).toContain(argument);
  },
);

test('a list is given with blanks between, and what is typed replaces it', () => {
  const environment = { TNULL_LISTEN: 'nbd://127.0.0.1:1 nbd+unix:///?socket=/s' };
  expect(argv({ ...environment })).toEqual([
    '--listen=nbd://127.0.0.1:1',
    '--listen=nbd+unix:///?socket=/s',
  ]);
  expect(argv({ ...environment }, '--listen', 'nbd://127.0.0.1:2')).toEqual([]);
});

test.each([['-U', '-'], ['-Us'], ['--unix=-'], ['--listen', 'nbd://127.0.0.1:2'], ['--stdin']])(
  'a place that is typed (%s) replaces every place of the environment',
  (...typedWords) => {
    const places = { TNULL_LISTEN: 'nbd://127.0.0.1:1', TNULL_UNIX: '/s', TNULL_STDIN: '1' };
    expect(argv({ ...places, TNULL_SIZE: '1' }, ...typedWords)).toEqual(['--size=1']);
  },
);

test('a switch is a boolean, and an empty text says nothing', () => {
  expect(argv({ TNULL_READ_ONLY: 'on' })).toEqual(['--read-only']);
  expect(argv({ TNULL_READ_ONLY: '0', TNULL_SIZE: '' })).toEqual([]);
  expect(() => argv({ TNULL_READ_ONLY: 'x' })).toThrow(/^TNULL_READ_ONLY=x: must be a boolean/);
});

test('children do not get them, but commands learn where the control socket is', () => {
  const environment: NodeJS.ProcessEnv = { TNULL_RUN: 'true', TNULL_CONTROL: '/c', HOME: '/' };
  argv(environment);
  expect(environment).toEqual({ TNULL_CONTROL: '/c', HOME: '/' });
});

test('a variable that means nothing is told of, with the nearest; those of tnull itself are not', () => {
  const environment = { TNULL_SIZ: '1', TNULL_URI: 'x', TNULL_SWEEP_N: '3', TNULL_CRASH_ID: 'y' };
  expect(takeVariables(environment, []).notices).toEqual([
    'TNULL_SIZ: no flag or parameter has this variable; the nearest is TNULL_SIZE',
  ]);
});

test('what is typed is stronger', () => {
  const typedWords = ['size=4', '--log-level', 'warn'];
  const said = argv({ TNULL_SIZE: '2', TNULL_LOG_LEVEL: 'error' }, ...typedWords);
  const parsed = parseArguments([...said, ...typedWords], '');
  expect(parsed).toMatchObject({ kind: 'serve', logLevel: 'warn' });
  expect(parsed.kind === 'serve' && parsed.words.map(({ value }) => value)).toEqual(['2', '4']);
});

test('a daemon takes them, weaker than its words and stronger than its configuration', async () => {
  const config = join(folder(), 'c.json');
  writeFileSync(config, JSON.stringify({ devices: { a: { size: 8, blocksize: 4096, power: 1 } } }));
  const environment = {
    ...{ TNULL_CONFIG: config, TNULL_SIZE: '2', TNULL_UNIX: join(folder(), 's') },
    ...{ TNULL_NO_CONTROL: '1', TNULL_SPIE: '1' },
  };
  const tnull = startIn(environment);
  expect(await tnull.ready()).toMatch(/\/a\?socket=\S+ 2097152 bytes\n$/);
  tnull.child.kill('SIGTERM');
  expect((await tnull.ended).stderr).toContain('TNULL_SPIE: no flag or parameter');
  const words = startIn(environment, 'size=3');
  expect(await words.ready()).toMatch(/ 3145728 bytes\n$/);
});

test.each([
  [{ TNULL_THREADS: '9999' }, /^tnull: TNULL_THREADS: --threads=9999: must be [^\n]*\n$/],
  [{ TNULL_LOG_LEVEL: 'loud' }, /^tnull: TNULL_LOG_LEVEL: [^\n]*'loud' is invalid[^\n]*\n$/],
  [{ TNULL_SIZE: 'large' }, /^tnull: TNULL_SIZE: size=large: must be [^\n]*\n$/],
])('a wrong value is one line and status 2: %o', async (environment, line) => {
  const { status, stderr, stdout } = await runIn(environment);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(line);
});

test('a daemon inside of --run is not in the way of the one that runs it', async () => {
  const command = `test -n "$TNULL_CONTROL" && ${process.execPath} ${program} size=1 -U - --run 'echo "$control"'; echo "$control"`;
  const { status, stdout } = await runIn({}, 'size=1', '-U', '-', '--run', command);
  expect(status).toBe(0);
  const [ofInner, ofOuter] = stdout.trim().split('\n');
  expect(ofInner).toMatch(/\.sock$/);
  expect(ofInner).not.toBe(ofOuter);
});
