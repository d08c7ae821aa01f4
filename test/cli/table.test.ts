import { expect, test } from 'vitest';
import { bytesText, table, timeText } from '../../src/cli/table.ts';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1 KiB'],
  [1536, '1.50 KiB'],
  [10.5 * 1024, '10.5 KiB'],
  [100.4 * 1024, '100 KiB'],
  [4 * 2 ** 30, '4 GiB'],
  [2 ** 60, '1 EiB'],
  [1024 ** 7, '1024 EiB'],
])('%i bytes are %s', (bytes, text) => expect(bytesText(bytes)).toBe(text));

test.each([
  [0, '0 ns'],
  [1500, '1.50 us'],
  [12_345_678, '12.3 ms'],
  [5e9, '5 s'],
  [6e12, '6000 s'],
])('%i ns are %s', (ns, text) => expect(timeText(ns)).toBe(text));

test('numbers stand to the right, words to the left, and nothing drives the terminal', () => {
  const rows = [
    ['a', 1],
    ['bad\x1b[2J\nname', 1000],
  ];
  expect(table(['NAME', 'N'], rows)).toBe(
    ['NAME             N', 'a                1', 'bad?[2J?name  1000', ''].join('\n'),
  );
  expect(table(['NAME', 'N'], [])).toBe('NAME  N\n');
});
