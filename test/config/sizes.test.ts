/** Sizes in bytes: one grammar. The flags that take one are in test/cli/sizes.test.ts. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSize, sizeText } from '../../src/config/sizes.ts';
import { withSets } from './directory.ts';
import { options } from './words.ts';

const GIB = 2 ** 30;

describe('a size is a number of bytes, or one with a unit', () => {
  test.each([
    ['0', 0],
    ['1073741824', GIB],
    ['0x40000000', GIB],
    ['010000000000', GIB],
    ['1048576K', GIB],
    ['1024M', GIB],
    ['1G', GIB],
    ['1g', GIB],
    ['1GiB', GIB],
    ['1gib', GIB],
    ['1T', 1024 * GIB],
    ['1P', 1024 ** 2 * GIB],
    ['1E', 1024 ** 3 * GIB],
    ['0x1E', 30],
  ])('%s', (text, size) => {
    expect(parseSize(text)).toBe(BigInt(size));
  });

  test.each([
    '',
    'G',
    '1GB',
    '1B',
    '1Gi',
    '1.5G',
    '1 G',
    ' 1G',
    '1G\n',
    '0x1G',
    '01G',
    '1Z',
    '1e9',
  ])("'%s' is none", (text) => {
    expect(parseSize(text)).toBeUndefined();
  });

  test('what is shown is what can be typed', () => {
    fc.assert(
      fc.property(fc.nat({ max: 7 }), fc.integer({ min: 0, max: 2047 }), (unit, count) => {
        const size = count * 1024 ** (unit % 5);
        expect(parseSize(sizeText(size))).toBe(BigInt(size));
      }),
    );
    expect([0, 1000, 2 ** 20, 3 * 2 ** 29, 2 ** 40, 2 ** 53].map(sizeText)).toEqual([
      '0',
      '1000',
      '1M',
      '1536M',
      '1T',
      '8P',
    ]);
  });
});

describe('size_bytes takes them, as a word and as an attribute', () => {
  test.each(['1073741824', '0x40000000', '1G', '1g', '1GiB'])('%s', (text) => {
    expect(options(`size_bytes=${text}`).size_bytes).toBe(BigInt(GIB));
    expect(withSets(`size_bytes=${text}`).judge().options.size_bytes).toBe(BigInt(GIB));
    expect(withSets(`size_bytes=${text}\n`).judge().options.size_bytes).toBe(BigInt(GIB));
  });

  test.each(['1GB', '-1G', '1.5G'])('%s is refused, and the units are said', (text) => {
    const rule = `size_bytes=${text}: must be a size: bytes, or with K, M, G, T, P or E, powers of 1024`;
    expect(() => options(`size_bytes=${text}`)).toThrow(rule);
    expect(() => withSets(`size_bytes=${text}`)).toThrow(rule);
  });

  test('a number of no unit is not a size', () => {
    expect(() => options('max_sectors=1K')).toThrow('must be an integer');
    expect(() => withSets('max_sectors=1K')).toThrow('must be an integer');
  });

  test('more than the attribute has bits', () => {
    expect(() => withSets('size_bytes=16E')).toThrow('size_bytes=16E: must fit into 64 bits');
    expect(() => options('size_bytes=16E')).toThrow('size_bytes=16E: must be 0 ');
  });
});
