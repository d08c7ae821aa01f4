/** Whatever a name is made of, a real shell gets it back. */

import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shellCommand, shellWord } from '../../src/config/shell-word.ts';

test('a shell takes every word as it was, in one process for all', () => {
  const word = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\0'));
  const words = [...fc.sample(word, 500), 'my disk', "it's", '$(ls)', '-x', '~', 'a\nb'];
  const said = execFileSync('sh', ['-c', `printf '%s\\0' ${shellCommand(...words)}`]);
  expect(said.toString().split('\0').slice(0, -1)).toEqual(words);
});

test('what is one word anyway has no quotes', () => {
  expect(shellWord('timeout_inject/times=1')).toBe('timeout_inject/times=1');
  expect(shellCommand('tnull', 'set', 'my disk', 'power=1')).toBe("tnull set 'my disk' power=1");
});
