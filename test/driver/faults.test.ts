import { describe, expect, test } from 'vitest';
import { ParameterError } from '../../src/config/errors.ts';
import {
  type FaultSetting,
  faultSettings,
  parseFaultNumber,
} from '../../src/config/fault-settings.ts';
import { Fault, faultStream } from '../../src/driver/faults.ts';
import { options } from '../config/words.ts';
import { errnoOf } from './errno.ts';

type Settings = Partial<Record<FaultSetting, number>>;

function fault(settings: Settings, seed = '1'): Fault {
  const made = new Fault(faultStream(seed, 'nullb0', 'timeout'));
  for (const setting of faultSettings) {
    const value = settings[setting];
    if (value !== undefined) made.set({ [setting]: BigInt(value) });
  }
  return made;
}

/** One letter for each chance: F where the fault struck. */
function chances(of: Fault, count: number): string {
  return Array.from({ length: count }, () => (of.shouldFail() ? 'F' : '.')).join('');
}

test('a new fault never strikes, and shows the defaults', () => {
  const made = fault({});
  expect(chances(made, 100)).toBe('.'.repeat(100));
  expect(faultSettings.map((setting) => made.get(setting))).toEqual(['1\n', '0\n', '0\n', '1\n']);
});

// Recorded from a kernel with fault injection; its power on made the first chance.
describe('a row of requests meets the same faults as with null_blk', () => {
  test.each<[Settings, string, Settings]>([
    [{ probability: 100, interval: 1, times: 1 }, 'F...', { times: 0, space: 0 }],
    [{ probability: 100, interval: 2, times: 2 }, '.F.F...', { times: 0 }],
    [{ probability: 100, interval: 3, times: 1 }, '..F..', { times: 0 }],
    [{ probability: 100, times: 0 }, '...', { times: 0 }],
    [{ probability: 0, times: -1 }, '...', { times: -1 }],
    [{ probability: 100, times: 1, space: 3 }, '..F....', { space: 1, times: 0 }],
    [{ interval: 3, probability: 100, space: 0, times: 2 }, '..F..F...', { times: 0 }],
    // Two queues a power on, and the first that fails ends it.
    [{ probability: 100, times: 1, space: 1 }, 'F..', { space: 1, times: 0 }],
    [{ probability: 100, times: 3 }, 'FFF..', { times: 0 }],
  ])('%j', (settings, row, left) => {
    const made = fault(settings);
    expect(chances(made, row.length)).toBe(row);
    for (const setting of faultSettings) {
      const value = left[setting];
      if (value !== undefined) expect(made.get(setting)).toBe(`${value}\n`);
    }
  });
});

test('space is counted before the interval, and the interval goes on counting', () => {
  const made = fault({ probability: 100, interval: 3, space: 3, times: -1 });
  expect(chances(made, 11)).toBe('....F..F..F');
  made.set({ interval: 4n });
  expect(chances(made, 8)).toBe('..F...F.'.slice(0, 8));
});

test('what cannot strike counts nothing', () => {
  const made = fault({ probability: 0, interval: 2, space: 2, times: 5 });
  expect(chances(made, 9)).toBe('.........');
  expect(made.value('space')).toBe(2);
  made.set({ probability: 100n });
  made.set({ times: 0n });
  expect(chances(made, 9)).toBe('.........');
  made.set({ times: 1n });
  expect(chances(made, 4)).toBe('..F.');
});

test('a negative space skips nothing, and an interval of 0 is 1', () => {
  expect(chances(fault({ probability: 100, space: -5, interval: 0, times: 2 }), 3)).toBe('FF.');
});

test('times counts down only when the fault strikes; -1 has no limit', () => {
  const endless = fault({ probability: 50, times: -1 });
  const row = chances(endless, 10_000);
  const struck = row.split('F').length - 1;
  expect(struck).toBeGreaterThan(4700);
  expect(struck).toBeLessThan(5300);
  expect(endless.get('times')).toBe('-1\n');
  const limited = fault({ probability: 50, times: 10 });
  expect(chances(limited, 10_000).split('F')).toHaveLength(11);
  const odd = fault({ probability: 100, times: -2 });
  expect(chances(odd, 3)).toBe('FFF');
  expect(odd.get('times')).toBe('-5\n');
});

test('above 100 percent is always', () => {
  expect(chances(fault({ probability: 101, times: -1 }), 1000)).toBe('F'.repeat(1000));
  const most = fault({ times: -1 });
  most.set({ probability: 18446744073709551615n });
  expect(chances(most, 10)).toBe('F'.repeat(10));
});

test('the same seed gives the same faults; device, fault and seed tell streams apart', () => {
  const row = (seed: string, device: string, name: string) => {
    const made = new Fault(faultStream(seed, device, name));
    made.set({ probability: 50n });
    made.set({ times: -1n });
    return chances(made, 200);
  };
  expect(row('1', 'nullb0', 'timeout')).toBe(row('1', 'nullb0', 'timeout'));
  const all = [
    row('1', 'nullb0', 'timeout'),
    row('1', 'nullb0', 'requeue'),
    row('1', 'nullb1', 'timeout'),
    row('2', 'nullb0', 'timeout'),
    row('1n', 'ullb0', 'timeout'),
  ];
  expect(new Set(all).size).toBe(all.length);
});

describe('settings take what null_blk takes', () => {
  const unsigned = [
    ['0', 'ok', '0'],
    ['101', 'ok', '101'],
    ['-1', 'EINVAL'],
    ['-0', 'EINVAL'],
    ['abc', 'EINVAL'],
    ['0x10', 'ok', '16'],
    ['010', 'ok', '8'],
    ['4294967296', 'ok', '4294967296'],
    ['18446744073709551615', 'ok', '18446744073709551615'],
    ['18446744073709551616', 'ERANGE'],
  ];
  const signed = [
    ['0', 'ok', '0'],
    ['101', 'ok', '101'],
    ['-1', 'ok', '-1'],
    ['-2', 'ok', '-2'],
    ['abc', 'EINVAL'],
    ['0x10', 'ok', '16'],
    ['-0x10', 'ok', '-16'],
    ['2147483647', 'ok', '2147483647'],
    ['-2147483648', 'ok', '-2147483648'],
    ['2147483648', 'ERANGE'],
    ['-2147483649', 'ERANGE'],
    ['4294967296', 'ERANGE'],
  ];
  const both = ['', '\n', ' 1', '1 ', '1\n\n', '+1', '1.5', '1e3', '08', '0x', '--1', '1,2'];
  const rows = faultSettings.flatMap((setting) =>
    [
      ...(setting === 'space' || setting === 'times' ? signed : unsigned),
      ...both.map((text) => [text, 'EINVAL']),
    ].map(([text = '', result = '', shown]) => [setting, text, result, shown] as const),
  );

  test.each(rows)('%s: %j is %s', (setting, text, result, shown) => {
    const made = fault({});
    const before = made.get(setting);
    const write = (to: string) => made.set({ [setting]: parseFaultNumber(setting, to) });
    expect(errnoOf(() => write(text))).toBe(result);
    expect(made.get(setting)).toBe(shown === undefined ? before : `${shown}\n`);
    if (shown === undefined) return;
    write(`${text}\n`);
    expect(made.value(setting)).toBe(Number(shown));
  });
});

test('the parameter names interval, probability, space and times', () => {
  const settings = options('timeout=3,100,0,0x2').timeout;
  expect(settings).toEqual({ interval: 3n, probability: 100n, space: 0n, times: 2n });
  const made = new Fault(faultStream('1', 'nullb0', 'timeout'), settings);
  expect(chances(made, 9)).toBe('..F..F...');
  expect(options('requeue=1,5,-1,-1').requeue).toMatchObject({ space: -1n, times: -1n });
});

test.each([
  ...['', '1', '1,100', '1,100,0', 'abc', '1,100,0,1,1', '1,100,0,', '1,100,,1', '1, 100, 0, 1'],
  ...['1,100,0,x', '-1,100,0,1', '1,-1,0,1', '1,100,0,2147483648', '1,18446744073709551616,0,1'],
])('the parameter %j is refused', (text) => {
  expect(() => options(`timeout=${text}`)).toThrow(ParameterError);
  expect(() => options(`timeout=${text}`)).toThrow(/^timeout=/);
});
