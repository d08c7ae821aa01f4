import { expect, test } from 'vitest';
import { shown } from '../../src/config/errors.ts';

test.each([
  ['stays as it is', 'size=4', 'size=4'],
  ['breaks no line and drives no terminal', 'a\nb\x1b[2J\x9bm\u2028', 'a?b?[2J?m?'],
  ['is shortened', 'x'.repeat(81), `${'x'.repeat(80)}...`],
  ['is never cut within a character', `${'x'.repeat(79)}\u{1f600}`, `${'x'.repeat(79)}...`],
])('what was typed %s', (_, text, line) => {
  expect(shown(text)).toBe(line);
});
