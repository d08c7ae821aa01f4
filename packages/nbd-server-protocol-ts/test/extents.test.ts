/** Which of a handler's extents a server tells. nbd-protocol.md section 3.5. */

import { expect, test } from 'vitest';
import { extentsToTell } from '../src/extents.ts';

type Short = readonly [length: number, flags: number, high?: number];
const MAX = 2 ** 32 - 65_536;

test.each<[string, Short[], number, number, boolean, Short[] | undefined]>([
  [
    'as they are',
    [
      [5, 0],
      [5, 3],
    ],
    10,
    20,
    false,
    [
      [5, 0],
      [5, 3],
    ],
  ],
  [
    'neighbours of one status are merged',
    [
      [1, 2],
      [2, 2],
      [3, 0],
    ],
    6,
    6,
    false,
    [
      [3, 2],
      [3, 0],
    ],
  ],
  [
    'two halves of a status count',
    [
      [1, 2],
      [2, 2, 1],
    ],
    3,
    3,
    false,
    [
      [1, 2],
      [2, 2, 1],
    ],
  ],
  [
    'the last may go on behind the range',
    [
      [5, 0],
      [50, 3],
    ],
    10,
    40,
    false,
    [
      [5, 0],
      [35, 3],
    ],
  ],
  [
    'but none may begin there',
    [
      [10, 0],
      [5, 3],
    ],
    10,
    40,
    false,
    [[10, 0]],
  ],
  [
    'and merging goes on there',
    [
      [10, 3],
      [5, 3],
    ],
    10,
    12,
    false,
    [[12, 3]],
  ],
  ['less than the range', [[1, 0]], 10, 40, false, [[1, 0]]],
  [
    'only the first',
    [
      [1, 0],
      [1, 0],
      [9, 1],
    ],
    10,
    10,
    true,
    [[2, 0]],
  ],
  [
    'above 32 bits: cut, and nothing behind it',
    [
      [2 ** 33, 3],
      [1, 0],
    ],
    2 ** 34,
    2 ** 34,
    false,
    [[MAX, 3]],
  ],
  ['none', [], 10, 10, false, undefined],
  [
    'one without a length',
    [
      [1, 0],
      [0, 1],
    ],
    10,
    10,
    false,
    undefined,
  ],
  ['one of half a byte', [[0.5, 0]], 10, 10, false, undefined],
])('%s', (_, given, length, most, single, told) => {
  const extents = given.map(([bytes, flags, flagsHigh = 0]) => ({
    length: bytes,
    flags,
    flagsHigh,
  }));
  const due = told?.map(([bytes, flags, flagsHigh = 0]) => ({ length: bytes, flags, flagsHigh }));
  expect(extentsToTell(extents, length, most, MAX, single)).toEqual(due);
});

test('a million extents are not told at once', () => {
  const many = Array.from({ length: 2 ** 20 }, (_, at) => ({ length: 1, flags: at % 2 }));
  expect(extentsToTell(many, 2 ** 20, 2 ** 20, MAX, false)).toHaveLength(2 ** 17);
});
