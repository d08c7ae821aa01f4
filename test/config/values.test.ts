/** Booleans and integers as text: driver.md section 1, head. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { options, refusal, typed } from './words.ts';

const booleans = typed.filter(([, row]) => row.kind === 'boolean').map(([name]) => name);

describe('booleans', () => {
  const forms = ['1', 'y', 't', 'on', 'true', 'Y', 'T', 'On', 'oN', 'ON', 'True', 'TRUE'];
  const nots = ['0', 'n', 'f', 'off', 'false', 'N', 'F', 'oFF', 'OFF', 'False', 'FALSE'];
  // No name of a boolean is changed by another rule when it is alone, but discard: it needs memory.
  const alone = booleans.filter((name) => name !== 'discard');

  test.each(alone)('%s takes every form in either case, and means 1 without a value', (name) => {
    for (const text of forms) expect(options(`${name}=${text}`)).toMatchObject({ [name]: true });
    for (const text of nots) expect(options(`${name}=${text}`)).toMatchObject({ [name]: false });
    expect(options(name)).toMatchObject({ [name]: true });
  });

  test.each(booleans)('%s refuses everything else', (name) => {
    for (const text of ['', '2', '-1', 'yes', 'no', 'yeah', ' 1', '1 ', '01', 'o', 'truee', '１']) {
      expect(refusal(`${name}=${text}`).rule).toMatch(/^must be a boolean/);
    }
  });
});

describe('integers', () => {
  test.each([
    ['100', 100],
    ['0x64', 100],
    ['0X64', 100],
    ['0xfF', 255],
    ['0144', 100],
    ['010', 8],
    ['0000010', 8],
  ])('size=%s is %i', (text, value) => {
    expect(options(`size=${text}`).size).toBe(value);
  });

  const bad = [
    '',
    ' ',
    '4k',
    '4.0',
    '1e3',
    '+4',
    ' 4',
    '4 ',
    '4\n',
    '08',
    '0x',
    '0xg',
    '0b1',
    '--4',
  ];
  test.each([...bad, '0o7', '٤', 'NaN', 'Infinity', '1_000', '- 4'])(
    'size=%j is not an integer',
    (text) => {
      expect(refusal(`size=${text}`).rule).toMatch(/^must be an integer: .*; must be 1\.\./);
    },
  );

  test('a number of any length is refused by range, not read as something else', () => {
    expect(refusal(`size=${'9'.repeat(400)}`).rule).toMatch(/^must be 1\.\./);
    expect(refusal(`size=0x${'f'.repeat(400)}`).rule).toMatch(/^must be 1\.\./);
  });

  test('every notation of a number is the same number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 33 - 1 }), (size) => {
        const notations = [`${size}`, `0x${size.toString(16)}`, `0${size.toString(8)}`];
        for (const text of notations) expect(options(`size=${text}`).size).toBe(size);
      }),
    );
  });

  test('0 in every notation is 0, never -0', () => {
    for (const zero of ['0', '00', '0x0', '-0', '-0x0']) {
      expect(Object.is(options(`completion_nsec=${zero}`).completion_nsec, 0)).toBe(true);
    }
  });
});
