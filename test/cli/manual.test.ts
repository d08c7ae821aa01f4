/** The files made from the tables for shells and for man are complete and current. How their programs read
 *  them: test/system/manual.test.ts. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bashCompletion } from '../../scripts/docs/bash.ts';
import { fishCompletion } from '../../scripts/docs/fish.ts';
import { made } from '../../scripts/docs/made.ts';
import { manPage } from '../../scripts/docs/man.ts';
import { attributeNames, commandWords, fileCommandWords } from '../../scripts/docs/words.ts';
import { zshCompletion } from '../../scripts/docs/zsh.ts';
import { run } from './program.ts';

const root = new URL('../../', import.meta.url);

/** All that --help names. */
async function everyFlag(): Promise<string[]> {
  const { stdout } = await run('--help');
  return [...stdout.matchAll(/^ {2}(?:-., )?(--[a-z-]+)/gm)].map(([, flag = '']) => flag);
}

describe.each([
  ['bash', bashCompletion(), (flag: string) => flag],
  ['zsh', zshCompletion(), (flag: string) => flag],
  ['fish', fishCompletion(), (flag: string) => `-l ${flag.slice(2)} `],
])('%s', (_, text, form) => {
  test('knows every flag, command and attribute', async () => {
    const flags = await everyFlag();
    expect(flags.length).toBeGreaterThan(50);
    for (const flag of flags) expect(text).toContain(form(flag));
    for (const { name } of commandWords) expect(text).toContain(name);
    for (const { name, commands } of fileCommandWords) {
      expect(text).toContain(name);
      for (const one of commands) expect(text).toContain(one.name);
    }
    for (const name of attributeNames) expect(text).toContain(name);
  });
});

describe('the man page', () => {
  const page = manPage('1.2.3');

  test('knows every flag and command, and names the version', async () => {
    for (const flag of await everyFlag()) expect(page).toContain(flag.replaceAll('-', '\\-'));
    for (const { name } of commandWords) expect(page).toContain(`tnull ${name}`);
    for (const { name, commands } of fileCommandWords) {
      for (const one of commands) expect(page).toContain(`tnull ${name} ${one.name}`);
    }
    expect(page).toContain('"tnull 1.2.3"');
  });

  test('no line of text begins with what roff would take for a request', () => {
    const known = /^\.(\\"|TH|SH|SS|TP|PP|RS|RE|nf|fi|br|B|I|BR|IR|RB|RI)( |$)/;
    for (const line of page.split('\n')) {
      if (/^[.']/.test(line)) expect(line).toMatch(known);
    }
  });
});

test('the files are up to date: else `npm run docs`', () => {
  const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
  const { version } = JSON.parse(read('package.json'));
  for (const [path, text] of Object.entries(made(version))) expect(read(path), path).toBe(text);
});
