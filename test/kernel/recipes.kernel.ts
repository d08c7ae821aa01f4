/** docs/kernel-recipes.md as a user types it, in user-mode Linux (recipes.sh). */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { commandsOf, isAsTold, typeAll } from '../cli/console.ts';

const markdown = readFileSync(new URL('../../docs/kernel-recipes.md', import.meta.url), 'utf8');
const [start = '', ...sections] = markdown.split(/^## /m);

test.each(sections.map((text) => ({ title: text.slice(0, text.indexOf('\n')), text })))(
  '$title',
  async ({ text }) => {
    const commands = [...commandsOf(start), ...commandsOf(text)];
    expect(commandsOf(text).length).toBeGreaterThan(1);
    const said = await typeAll(commands);
    for (const [at, { command, told }] of commands.entries()) {
      const heard = said[at] ?? '';
      if (!isAsTold(heard, told)) expect(`$ ${command}\n${heard}`).toBe(`$ ${command}\n${told}`);
    }
  },
);
