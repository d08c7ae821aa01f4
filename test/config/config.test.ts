import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseBoolean, parseInteger } from '../../src/config/kinds.ts';
import { editDistance, nearest } from '../../src/config/nearest.ts';
import { rows } from '../../src/config/parameters.ts';
import { resolve, type Word } from '../../src/config/resolve.ts';

function options(...words: readonly string[]) {
  return resolve(words.map(word), { cpus: 4 });
}

function word(text: string): Word {
  const [name = '', value] = text.split('=');
  return { name, value, as: text };
}

test('the defaults are null_blk’s', () => {
  expect(options().options).toEqual({
    nr_devices: 1,
    gb: 4,
    size: 4096,
    bs: 512,
    rotational: false,
    queue_mode: 2,
    submit_queues: 1,
    hw_queue_depth: 64,
    shared_tags: false,
    no_sched: false,
    blocking: false,
    irqmode: 0,
    completion_nsec: 10_000,
    max_sectors: 0,
    memory_backed: false,
    discard: false,
  });
  expect(options().notices).toEqual([]);
});

describe('rules between parameters', () => {
  test.each([
    [['gb=2'], { size: 2048 }],
    [['size=100'], { size: 100 }],
    [['gb=2', 'size=100'], { size: 100 }],
    [['size=100', 'gb=2'], { size: 2048 }],
    [['gb=2', 'gb=3'], { size: 3072 }],
    [['queue_mode=0'], { queue_mode: 2 }],
    [['submit_queues=0'], { submit_queues: 1 }],
    [['submit_queues=99'], { submit_queues: 4 }],
    [['hw_queue_depth=99999'], { hw_queue_depth: 10240 }],
    [['max_sectors=15', 'bs=4096'], { max_sectors: 8 }],
    [['memory_backed=1'], { blocking: true }],
    [['discard=1'], { discard: false }],
    [['discard=1', 'memory_backed=1'], { discard: true }],
    [['memory_backed'], { memory_backed: true }],
    [['hw_queue_depth=0x10'], { hw_queue_depth: 16 }],
    [['hw_queue_depth=010'], { hw_queue_depth: 8 }],
  ] as const)('%j', (words, expected) => {
    expect(options(...words).options).toMatchObject(expected);
  });

  test.each([
    'queue_mode=0',
    'submit_queues=0',
    'submit_queues=99',
    'hw_queue_depth=99999',
    'discard=1',
    'nr_devices=0',
  ])('what %s becomes is said', (text) => {
    const { notices } = options(text);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain(text.split('=')[0]);
  });
});

test('a word that a later one overrides is still checked', () => {
  expect(() => options('bs=100', 'bs=512')).toThrow('bs');
});

test('booleans as the kernel reads them', () => {
  for (const text of ['1', 'y', 'Y', 'on', 'true', 't']) expect(parseBoolean(text)).toBe(true);
  for (const text of ['0', 'n', 'N', 'off', 'false', 'f']) expect(parseBoolean(text)).toBe(false);
  for (const text of ['', '2', 'maybe', ' 1']) expect(parseBoolean(text)).toBeUndefined();
});

test('integers: decimal, hexadecimal and octal, and nothing else', () => {
  fc.assert(
    fc.property(fc.integer(), (value) => {
      const sign = value < 0 ? '-' : '';
      const size = Math.abs(value);
      expect(parseInteger(String(value))).toBe(value);
      expect(parseInteger(`${sign}0x${size.toString(16)}`)).toBe(value === 0 ? 0 : value);
      expect(parseInteger(`${sign}0${size.toString(8)}`)).toBe(value === 0 ? 0 : value);
    }),
  );
  for (const text of ['', ' 1', '1 ', '1e3', '1.0', '+1', '08', '0x', '--1', 'NaN', '1_000']) {
    expect(parseInteger(text), text).toBeUndefined();
  }
});

test('the edit distance is one, and swaps of neighbours count once', () => {
  expect(editDistance('szie', 'size')).toBe(1);
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
      expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      expect(editDistance(a, b)).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
    }),
  );
  expect(nearest('memroy_baked', rows.keys())).toBe('memory_backed');
  expect(nearest('x', [])).toBeUndefined();
});

test('every parameter has a help text, and a default inside its own limits', () => {
  for (const [name, row] of rows) {
    expect(row.help.length, name).toBeGreaterThan(5);
    if (typeof row.default !== 'number') continue;
    expect(row.default, name).toBeGreaterThanOrEqual(row.min ?? Number.NEGATIVE_INFINITY);
    expect(row.default, name).toBeLessThanOrEqual(row.max ?? Number.POSITIVE_INFINITY);
  }
});

test('docs/parameters.md is what the table says', () => {
  const script = new URL('../../scripts/generate-docs.js', import.meta.url).pathname;
  expect(() => execFileSync(process.execPath, [script, '--check'])).not.toThrow();
});
