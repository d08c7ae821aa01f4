/** What is made from the tables for shells and for man: complete, current, and, where the program that
 *  reads it is at hand, without a complaint of it. */

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bashCompletion } from '../../src/cli/manual/bash.ts';
import { fishCompletion } from '../../src/cli/manual/fish.ts';
import { manPage } from '../../src/cli/manual/man.ts';
import { attributeNames, commandWords } from '../../src/cli/manual/words.ts';
import { zshCompletion } from '../../src/cli/manual/zsh.ts';
import { run } from './program.ts';

const root = new URL('../../', import.meta.url);

function has(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0;
}

/** All that --help names. */
async function everyFlag(): Promise<string[]> {
  const { stdout } = await run('--help');
  return [...stdout.matchAll(/^ {2}(?:-., )?(--[a-z-]+)/gm)].map(([, flag = '']) => flag);
}

describe.each([
  ['bash', bashCompletion(), 'tnull.bash', (flag: string) => flag],
  ['zsh', zshCompletion(), '_tnull', (flag: string) => flag],
  ['fish', fishCompletion(), 'tnull.fish', (flag: string) => `-l ${flag.slice(2)} `],
])('%s', (shell, text, file, form) => {
  test('knows every flag, command and attribute', async () => {
    const flags = await everyFlag();
    expect(flags.length).toBeGreaterThan(50);
    for (const flag of flags) expect(text).toContain(form(flag));
    for (const { name } of commandWords) expect(text).toContain(name);
    for (const name of attributeNames) expect(text).toContain(name);
  });

  test.skipIf(!has(shell))('takes it', () => {
    const path = new URL(`packaging/completions/${file}`, root).pathname;
    const option = shell === 'fish' ? '--no-execute' : '-n';
    expect(execFileSync(shell, [option, path], { encoding: 'utf8' })).toBe('');
  });
});

describe.skipIf(!has('bash'))('in bash', () => {
  /** What is offered behind `line`. */
  function offered(line: string): string[] {
    const script = `${bashCompletion()}
      tnull() { printf 'NAME POWER\\nnullb0 on\\nb$(touch /x) off\\nzoned off\\n'; }
      COMP_LINE=$1 COMP_POINT=\${#1} _tnull
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script, 'bash', line], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return stdout.split('\n').filter((word) => word !== '');
  }

  test.each([
    ['tnull --handsh', ['--handshake-timeout']],
    ['tnull --no-mem', ['--no-memory-backed']],
    ['tnull --log-level ', 'trace debug info warn error fatal silent'.split(' ')],
    ['tnull memory_b', ['memory_backed=']],
    ['tnull gb=4 irqmode=', ['0', '1', '2']],
    ['tnull --irqmode=2', ['2']],
    ['tnull zon', 'zoned= zone_size= zone_capacity= zone_nr_conv='.split(' ')],
    ['tnull req', ['requeue=', 'requests']],
    ['tnull serve req', ['requeue=']],
    ['tnull get ', ['nullb0', 'zoned']],
    ['tnull set zo', ['zoned']],
    ['tnull set nullb0 badblocks_o', ['badblocks_once=']],
    ['tnull zones nullb0 re', ['report', 'reset', 'reset-all']],
    ['tnull stats --w', ['--watch']],
    ['tnull create ', []],
  ])('%s', (line, words) => {
    expect(offered(line).slice(0, Math.max(words.length, 1))).toEqual(words);
  });
});

test.skipIf(!has('zsh'))('in zsh every specification is one word, as it was meant', () => {
  const script = `compdef() { : }; _arguments() { print -rl -- "$@"; exit }
    words=(tnull "$1"); ${zshCompletion()}`;
  const given = (command: string): string[] =>
    spawnSync('zsh', ['-f', '-c', script, 'zsh', command], { encoding: 'utf8' }).stdout.split('\n');
  expect(given('stats')).toEqual([
    '1: :',
    '2:device:_tnull_devices',
    expect.stringMatching(/^--watch\[.*\]$/),
    "*--control=[the daemon's control socket]:path:_files",
    '--json[JSON for programs]',
    '--help[print help]',
    '',
  ]);
  for (const word of given('').slice(0, -2)) expect(word).toMatch(/^\*?-[^[]+\[.*\]/);
});

describe('the man page', () => {
  const page = manPage('1.2.3');

  test('knows every flag and command, and names the version', async () => {
    for (const flag of await everyFlag()) expect(page).toContain(flag.replaceAll('-', '\\-'));
    for (const { name } of commandWords) expect(page).toContain(`tnull ${name}`);
    expect(page).toContain('"tnull 1.2.3"');
  });

  test.skipIf(!has('groff'))('groff has no complaint', () => {
    const { status, stderr } = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-z'], {
      input: page,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('no line of text begins with what roff would take for a request', () => {
    const known = /^\.(\\"|TH|SH|SS|TP|PP|RS|RE|nf|fi|br|B|I|BR|IR|RB|RI)( |$)/;
    for (const line of page.split('\n')) {
      if (/^[.']/.test(line)) expect(line).toMatch(known);
    }
  });
});

test('the files are up to date', () => {
  const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
  const { version } = JSON.parse(read('package.json'));
  expect(read('packaging/man/tnull.1')).toBe(manPage(version));
  expect(read('packaging/completions/tnull.bash')).toBe(bashCompletion());
  expect(read('packaging/completions/_tnull')).toBe(zshCompletion());
  expect(read('packaging/completions/tnull.fish')).toBe(fishCompletion());
});
