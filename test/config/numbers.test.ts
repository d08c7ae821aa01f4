/** One grammar of numbers for all readers. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseExact, parseInteger, parseWithin } from '../../src/config/numbers.ts';

const notations: readonly ((magnitude: bigint) => string)[] = [
  (magnitude) => `${magnitude}`,
  (magnitude) => `0x${magnitude.toString(16)}`,
  (magnitude) => `0X00${magnitude.toString(16).toUpperCase()}`,
  (magnitude) => `0${magnitude.toString(8)}`,
  (magnitude) => `000${magnitude.toString(8)}`,
];
const written = fc
  .tuple(fc.bigInt({ min: 0n, max: 2n ** 70n }), fc.constantFrom(...notations), fc.boolean())
  .map(([magnitude, notation, negative]) => ({
    value: negative ? -magnitude : magnitude,
    negative,
    text: `${negative ? '-' : ''}${notation(magnitude)}`,
  }));

test('a number is the same in decimal, hexadecimal and octal, exactly or rounded', () => {
  fc.assert(
    fc.property(written, ({ value, text }) => {
      expect(parseExact(text)).toBe(value);
      expect(parseInteger(text)).toBe(Number(value));
    }),
  );
});

test('within bounds it is exact, beyond them ERANGE, and EINVAL with a sign that cannot be', () => {
  const bounds = fc.constantFrom(
    [0n, 2n ** 32n - 1n] as const,
    [0n, 2n ** 64n - 1n] as const,
    [-(2n ** 31n), 2n ** 31n - 1n] as const,
  );
  fc.assert(
    fc.property(written, bounds, ({ value, negative, text }, [min, max]) => {
      const fits = value >= min && value <= max;
      const expected = negative && min === 0n ? 'EINVAL' : fits ? value : 'ERANGE';
      expect(parseWithin(text, min, max)).toBe(expected);
    }),
  );
});

describe('what is none is none to all', () => {
  test.each([
    ...['', '-', '+1', ' 1', '1 ', '1\n', '0x', '0xg', '08', '1.0', '1e3', '1_0', '0b1', '--1'],
    ...['0o7', '٣', '1n', 'x10', '0x-1', '1,2'],
  ])('%j', (text) => {
    expect(parseInteger(text)).toBeUndefined();
    expect(parseExact(text)).toBeUndefined();
    expect(parseWithin(text, -10n, 10n)).toBe('EINVAL');
  });
});

test('a number of a million digits is not converted to be refused', () => {
  const digits = '9'.repeat(1e6);
  expect(parseWithin(digits, 0n, 2n ** 64n - 1n)).toBe('ERANGE');
  expect(parseWithin(`${'0'.repeat(1e6)}7`, 0n, 10n)).toBe(7n);
});
