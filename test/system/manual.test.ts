/** The files made from the tables for shells and for man, read by their programs. */

import { describe, expect, test } from 'vitest';
import { bashCompletion } from '../../scripts/docs/bash.ts';
import { manPage } from '../../scripts/docs/man.ts';
import { zshCompletion } from '../../scripts/docs/zsh.ts';
import { call } from './programs.ts';

const root = new URL('../../', import.meta.url);

test.each([
  ['bash', 'tnull.bash', '-n'],
  ['zsh', '_tnull', '-n'],
  ['fish', 'tnull.fish', '--no-execute'],
])('%s takes its completions', (shell, file, option) => {
  const path = new URL(`packaging/completions/${file}`, root).pathname;
  expect(call(shell, [option, path])).toEqual({ status: 0, stdout: '', stderr: '' });
});

describe('in bash', () => {
  /** What is offered behind `line`. */
  function offered(line: string): string[] {
    const script = `${bashCompletion()}
      tnull() { printf 'NAME POWER\\nnullb0 on\\nb$(touch /x) off\\nzoned off\\n'; }
      COMP_LINE=$1 COMP_POINT=\${#1} _tnull
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = call('bash', ['--norc', '-c', script, 'bash', line]);
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

test('in zsh every specification is one word, as it was meant', () => {
  const script = `compdef() { : }; _arguments() { print -rl -- "$@"; exit }
    words=(tnull "$1"); ${zshCompletion()}`;
  const given = (command: string): string[] =>
    call('zsh', ['-f', '-c', script, 'zsh', command]).stdout.split('\n');
  expect(given('stats')).toEqual([
    '1: :',
    '2:device:_tnull_devices',
    expect.stringMatching(/^--watch\[.*\]$/),
    "*--control=[the daemon's control socket]:path:_files",
    '--json[JSON for programs]',
    '-h[print help]',
    '--help[print help]',
    '',
  ]);
  const all = given('').slice(0, -2);
  expect(all.length).toBeGreaterThan(50);
  for (const word of all) expect(word).toMatch(/^\*?-[^[]+\[.*\]/);
});

test('groff has no complaint about the man page', () => {
  const { status, stderr } = call('groff', ['-man', '-Tutf8', '-ww', '-z'], {
    input: manPage('1.2.3'),
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
