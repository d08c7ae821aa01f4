/** docs/fault-recipes.md as a user types it: each recipe with a daemon and a disk of its own, and the
 *  programs of each Debian; sqlite3 and e2fsprogs are this machine's. */

import { readFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import { expect, test } from 'vitest';
import { commandsOf, isAsTold, typeAll } from '../cli/console.ts';
import { describeEachDebian } from './debians.ts';
import { call } from './programs.ts';

const markdown = readFileSync(new URL('../../docs/fault-recipes.md', import.meta.url), 'utf8');
const [start = '', ...sections] = markdown.split(/^## /m);
const recipes = sections.map((text) => ({ title: text.slice(0, text.indexOf('\n')), text }));

test('every recipe has commands, and what they need is there', () => {
  for (const { title, text } of recipes) {
    expect(commandsOf(text).length, title).toBeGreaterThan(1);
    expect(text, title).not.toMatch(/^```(?!console$|$)/m);
  }
  for (const [program, flag] of [
    ['sqlite3', '-version'],
    ['debugfs', '-V'],
    ['fusermount3', '-V'],
  ] as const)
    expect(call(program, [flag]).status, program).toBe(0);
});

describeEachDebian(({ env }) => {
  // Debian's nbdsh takes the first python3: another one has not got libnbd's module.
  const search = env['PATH']?.startsWith(process.env['PATH'] ?? '')
    ? ['/usr/bin', env['PATH']].join(delimiter)
    : env['PATH'];

  test.each(recipes)('$title', async ({ text }) => {
    const commands = [...commandsOf(start), ...commandsOf(text)];
    const said = await typeAll(commands, search);
    for (const [at, { command, told }] of commands.entries()) {
      const heard = said[at] ?? '';
      if (!isAsTold(heard, told)) expect(`$ ${command}\n${heard}`).toBe(`$ ${command}\n${told}`);
    }
  });
});
