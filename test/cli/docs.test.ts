/** What docs/ shows of the program is true: every console block, typed into one shell. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { limitWords, serveFlags } from '../../scripts/docs/words.ts';
import { commandsOf, isAsTold, typeAll } from './console.ts';

function read(name: string): string {
  return readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8');
}

test('curl is there, for the calls of the API', () => {
  expect(() => execFileSync('curl', ['--version']), 'apt-get install curl').not.toThrow();
});

test.each(['control', 'faults', 'zones'])(
  'docs/%s.md: each command says what is told',
  async (name) => {
    const commands = commandsOf(read(name));
    expect(commands.length).toBeGreaterThan(10);
    const said = await typeAll(commands);
    for (const [at, { command, told }] of commands.entries()) {
      const heard = said[at] ?? '';
      // The whole is shown where they differ.
      if (!isAsTold(heard, told)) expect(`$ ${command}\n${heard}`).toBe(`$ ${command}\n${told}`);
    }
  },
  120_000,
);

test('no block is left out: a command stands in a console block', () => {
  for (const name of ['control', 'faults', 'zones']) {
    expect(read(name)).not.toMatch(/^```(?!console$|$)/m);
  }
});

/** Documented elsewhere: only by `--help`. */
const SAID_BY_HELP = new Set(['--help', '--version']);

test('docs/running.md tells every flag that is no parameter, and no other', () => {
  const told = new Set(read('running').match(/(?<![\w-])--[a-z][a-z-]+/g));
  const known = [...serveFlags, ...limitWords].flatMap(({ long, short }) => short ?? long);
  const flags = known.filter((flag) => flag.startsWith('--') && !SAID_BY_HELP.has(flag));
  expect(flags.filter((flag) => !told.has(flag))).toEqual([]);
});

test('what is not as told is seen', () => {
  expect(isAsTold('a 1.2 ms  b\n', 'a 17 us b\n')).toBe(true);
  expect(isAsTold('{"a":1,"b":2}\n', '{"a":1,...}\n')).toBe(true);
  expect(isAsTold('a\nb\n', 'a\n')).toBe(false);
  expect(isAsTold('a\nb\n', 'a...\n')).toBe(false);
  expect(isAsTold('', 'a\n')).toBe(false);
  expect(isAsTold('a\n', '')).toBe(false);
});
