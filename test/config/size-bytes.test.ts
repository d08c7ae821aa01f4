/** size_bytes as a word and as an attribute: every digit counts, and a device has to be able to have
 *  the size. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attributeNamed } from '../../src/config/attributes.ts';
import { sizeOf, wholeBlocks } from '../../src/config/judge-size.ts';
import { resolve } from '../../src/config/resolve.ts';
import { directory, refusedBy, withSets, write } from './directory.ts';
import { MACHINE, options, refusal } from './words.ts';

const MOST = 2n ** 63n - 1n;
const MIB = 2 ** 20;

describe('as a word', () => {
  test.each([
    ['size_bytes=1', 1n],
    ['size_bytes=0x7fffffffffffffff', MOST],
    ['size_bytes=0777777777777777777777', MOST],
    [`size_bytes=${MOST}`, MOST],
    [`size_bytes=${2n ** 53n + 1n}`, 2n ** 53n + 1n],
  ])('%s', (word, size) => {
    expect(options(word).size_bytes).toBe(size);
    expect(BigInt(sizeOf(options(word)))).toBe(size);
  });

  test('any size is the one that was typed', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: MOST }), (size) => {
        const made = options(`size_bytes=${size}`);
        expect(BigInt(sizeOf(made))).toBe(size);
        expect(typeof sizeOf(made)).toBe(size < 2n ** 53n ? 'number' : 'bigint');
        const blocks = wholeBlocks(made);
        expect(blocks % 512n).toBe(0n);
        expect(blocks - size >= 0n && blocks - size < 512n).toBe(true);
      }),
    );
  });

  test('0 leaves the size to size and gb, any other number is the size wherever it stands', () => {
    expect(sizeOf(options('size_bytes=0', 'size=7'))).toBe(7 * MIB);
    expect(sizeOf(options('size=7'))).toBe(7 * MIB);
    expect(sizeOf(options('size_bytes=1000', 'size=7', 'gb=1'))).toBe(1000);
    expect(sizeOf(options('gb=1', 'size_bytes=1000'))).toBe(1000);
    expect(sizeOf(options('size_bytes=1000', 'size_bytes=0', 'gb=1'))).toBe(1024 * MIB);
  });

  test.each(['-1', '9223372036854775808', '99999999999999999999', '1KB', '1.5', ''])(
    'size_bytes=%s is refused in one sentence',
    (text) => {
      const { message } = refusal(`size_bytes=${text}`);
      expect(message).toMatch(/^size_bytes(=\S*)?: .*must be .*\(bytes\)$/);
    },
  );
});

const HUGE = `size_bytes=${2n ** 53n}`;

describe('what a device cannot have is refused, and the rule said', () => {
  test.each([
    [
      [HUGE, 'memory_backed=1'],
      'size_bytes=9007199254740992: must be below 2^53 (bytes) with memory_backed=1',
    ],
    [
      [`size_bytes=${2n ** 53n - 1n}`, 'memory_backed=1'],
      'size_bytes=9007199254740991: must be below 2^53 (bytes) with memory_backed=1',
    ],
    [[HUGE, 'zoned=1'], 'size_bytes=9007199254740992: must be below 2^53 (bytes) with zoned=1'],
    [
      ['size_bytes=1049088', 'zoned=1', 'zone_size=1', 'bs=1024'],
      'size_bytes=1049088: must be a multiple of bs=1024 with zoned=1',
    ],
    [
      ['size_bytes=1000000', 'zoned=1', 'zone_size=1', 'bs=512'],
      'size_bytes=1000000: must be a multiple of bs=512 with zoned=1',
    ],
    [
      ['size_bytes=1048064', 'zoned=1', 'zone_size=1'],
      'zone_size=1: must be at most the capacity, size_bytes=1048064 (MiB)',
    ],
    [
      ['size_bytes=4194816', 'zoned=1', 'zone_size=2', 'zone_capacity=1'],
      'zone_capacity=1: must be zone_size=2 (MiB), since the last zone is short: ' +
        'size_bytes=4194816 is not a multiple of it',
    ],
  ])('%s', (words, message) => {
    expect(refusal(...words).message).toBe(message);
  });

  test.each([
    [`size_bytes=${2n ** 53n - 512n}`, 'memory_backed=1'],
    [HUGE],
    [HUGE, 'cache_size=1', 'discard=1'],
    ['size_bytes=4194816', 'zoned=1', 'zone_size=2'],
    ['size_bytes=1000', 'memory_backed=1', 'bs=4096'],
  ])('%s %s %s %s is fine', (...words) => {
    expect(() => options(...words.filter(Boolean))).not.toThrow();
  });

  test('alignment=error wants whole blocks', () => {
    const machine = { ...MACHINE, wholeBlocks: true };
    const words = (size: string) => [
      { name: 'bs', value: '4096', as: '' },
      { name: 'size_bytes', value: size, as: '' },
    ];
    expect(resolve(words('8192'), machine).options.size_bytes).toBe(8192n);
    expect(() => resolve(words('8193'), machine)).toThrow(
      'size_bytes=8193: must be a multiple of bs=4096 with alignment=error',
    );
    const made = withSets('blocksize=4096 size_bytes=512', { machine });
    expect(refusedBy(() => made.judge())).toMatchObject({
      errno: 'EINVAL',
      attribute: 'size_bytes',
      message: 'd: size_bytes=512: must be a multiple of blocksize=4096 with alignment=error',
    });
  });
});

describe('as an attribute', () => {
  const name = attributeNamed('d', 'size_bytes');
  if (name !== 'size_bytes') throw new Error(name);

  test.each([
    ['0', 0],
    ['512', 512],
    [String(2n ** 53n), 2 ** 53],
    [String(2n ** 53n + 1n), '9007199254740993'],
    [String(MOST), '9223372036854775807'],
    [String(2n ** 64n - 1n), '18446744073709551615'],
  ])('%s reads back with all its digits', (text, json) => {
    const made = directory();
    write(made, name, `${text}\n`);
    expect(made.text(name)).toBe(`${text}\n`);
    expect(made.value(name)).toBe(json);
  });

  test('takes 64 bits while off, and is judged at power on', () => {
    expect(refusedBy(() => write(directory(), name, String(2n ** 64n))).errno).toBe('ERANGE');
    expect(refusedBy(() => write(directory(), name, '1', true)).errno).toBe('EBUSY');
    const made = withSets(`size_bytes=${2n ** 63n}`);
    expect(refusedBy(() => made.judge())).toMatchObject({
      errno: 'EINVAL',
      message: `d: size_bytes=9223372036854775808: must be at most ${MOST} (bytes)`,
    });
    expect(withSets(`size_bytes=${MOST}`).judge().options.size_bytes).toBe(MOST);
    const memory = withSets(`size_bytes=${MOST} memory_backed=1`);
    expect(refusedBy(() => memory.judge()).errno).toBe('EINVAL');
  });
});
