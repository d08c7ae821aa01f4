/** What docs/ shows of the program is true: every console block of a page, typed into one shell. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { commandsOf, isAsTold, typeAll } from '../cli/console.ts';
import { call } from './programs.ts';

function read(name: string): string {
  return readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8');
}

test('curl is there, for the calls of the API', () => {
  expect(call('curl', ['--version']).status, 'apt-get install curl').toBe(0);
});

test.each(['control', 'faults', 'snapshots', 'zones', 'tour'])(
  'docs/%s.md: each command says what is told',
  async (name) => {
    const commands = commandsOf(read(name));
    expect(commands.length).toBeGreaterThan(name === 'tour' ? 7 : 10);
    const said = await typeAll(commands);
    for (const [at, { command, told }] of commands.entries()) {
      const heard = said[at] ?? '';
      // The whole is shown where they differ.
      if (!isAsTold(heard, told)) expect(`$ ${command}\n${heard}`).toBe(`$ ${command}\n${told}`);
    }
  },
);
