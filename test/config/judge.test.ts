/** The rules between parameters, at start and at power on: driver.md section 1. What a power on of
 *  null_blk adjusted is recorded from Linux 7.3.4 with 4 processors and poll_queues=1. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Attributes, PowerOn } from '../../src/config/attributes.ts';
import { ErrnoError } from '../../src/config/errors.ts';
import { optionNames } from '../../src/config/parameters.ts';
import { testRuns } from '../test-runs.ts';
import { adjustedBy, directory, refusedBy, withSets } from './directory.ts';
import { MACHINE, options, refusal, resolved } from './words.ts';

const KERNEL = { words: ['poll_queues=1', 'irqmode=1'] };
const Z = 'zoned=1 zone_size=4 size=16';
/** What every zoned device of 4 MiB zones is adjusted to. */
const ZONE = { zone_append_max_sectors: '8192', zone_capacity: '4' };
const MEMORY = { blocking: '1' };

describe('power on adjusts, and writes back', () => {
  test.each([
    ['', {}],
    ['queue_mode=0', { queue_mode: '2' }],
    ['queue_mode=3', {}],
    ['irqmode=3', { irqmode: '2' }],
    ['irqmode=100', { irqmode: '2' }],
    ['submit_queues=0', { submit_queues: '1' }],
    ['submit_queues=4', {}],
    ['submit_queues=5', { submit_queues: '4' }],
    ['submit_queues=4294967295', { submit_queues: '4' }],
    ['poll_queues=0', {}],
    ['poll_queues=2', { poll_queues: '1' }],
    ['poll_queues=5', { poll_queues: '1' }],
    ['use_per_node_hctx=1', {}],
    ['use_per_node_hctx=1 submit_queues=3', { submit_queues: '1' }],
    ['home_node=0', {}],
    ['home_node=4294967295', {}],
    ['hw_queue_depth=1', {}],
    ['hw_queue_depth=10241', {}],
    ['hw_queue_depth=4294967295', {}],
    ['max_sectors=9 blocksize=4096', {}],
    ['size=0', {}],
    ['cache_size=5', { cache_size: '0' }],
    ['cache_size=18446744073709551615', { cache_size: '0' }],
    ['cache_size=5 memory_backed=1', MEMORY],
    ['cache_size=5 memory_backed=1 fua=0', MEMORY],
    ['mbps=40960', {}],
    ['mbps=40961', { mbps: '40960' }],
    ['mbps=4294967295', { mbps: '40960' }],
    ['discard=1', { discard: '0' }],
    ['discard=1 memory_backed=1', MEMORY],
    [`discard=1 memory_backed=1 ${Z}`, { ...ZONE, ...MEMORY, discard: '0' }],
    ['completion_nsec=0 irqmode=2', {}],
    ['zone_size=3 zone_capacity=9 zone_nr_conv=9', {}],
    ['zone_size=18446744073709551615 zone_capacity=18446744073709551615', {}],
  ])('%s', (sets, adjusted) => {
    expect(adjustedBy(withSets(sets, KERNEL).judge())).toEqual(adjusted);
  });

  test.each([
    ['zoned=1 zone_size=16 size=16', { zone_append_max_sectors: '32768', zone_capacity: '16' }],
    [`${Z} zone_capacity=4`, { zone_append_max_sectors: '8192' }],
    [`${Z} zone_capacity=3`, { zone_append_max_sectors: '6144' }],
    [`${Z} zone_nr_conv=3`, ZONE],
    [`${Z} zone_nr_conv=4`, { ...ZONE, zone_nr_conv: '3' }],
    [`${Z} zone_nr_conv=100`, { ...ZONE, zone_nr_conv: '3' }],
    ['zoned=1 zone_size=4 size=4 zone_nr_conv=1', { ...ZONE, zone_nr_conv: '0' }],
    ['zoned=1 zone_size=4 size=14 zone_nr_conv=4', { ...ZONE, zone_nr_conv: '3' }],
    ['zoned=1 zone_size=4 size=14', ZONE],
    [`${Z} zone_max_open=3`, ZONE],
    [`${Z} zone_max_open=4`, { ...ZONE, zone_max_open: '0' }],
    [`${Z} zone_max_active=3`, ZONE],
    [`${Z} zone_max_active=4`, { ...ZONE, zone_max_active: '0' }],
    [`${Z} zone_max_active=2 zone_max_open=2`, ZONE],
    [`${Z} zone_max_active=2 zone_max_open=3`, { ...ZONE, zone_max_open: '2' }],
    [`${Z} zone_max_active=3 zone_max_open=4`, { ...ZONE, zone_max_open: '3' }],
    [`${Z} zone_max_active=5 zone_max_open=2`, { ...ZONE, zone_max_active: '0' }],
    [
      `${Z} zone_max_active=5 zone_max_open=6`,
      { ...ZONE, zone_max_active: '0', zone_max_open: '0' },
    ],
    [`${Z} zone_nr_conv=2 zone_max_open=2`, { ...ZONE, zone_max_open: '0' }],
    [`${Z} zone_nr_conv=2 zone_max_active=2`, { ...ZONE, zone_max_active: '0' }],
    ['zoned=1 zone_size=4 size=14 zone_max_open=4', { ...ZONE, zone_max_open: '0' }],
    ['zoned=1 zone_size=4 size=14 zone_max_open=3', ZONE],
    [`${Z} zone_nr_conv=4 zone_max_open=1`, { ...ZONE, zone_max_open: '0', zone_nr_conv: '3' }],
    [`${Z} zone_append_max_sectors=0`, { zone_capacity: '4' }],
    [`${Z} zone_append_max_sectors=7`, { zone_capacity: '4' }],
    [`${Z} zone_append_max_sectors=7 blocksize=4096`, { ...ZONE, zone_append_max_sectors: '0' }],
    [`${Z} zone_append_max_sectors=15 blocksize=4096`, { ...ZONE, zone_append_max_sectors: '8' }],
    [`${Z} zone_append_max_sectors=4294967295`, ZONE],
    [`${Z} zone_full=1`, ZONE],
    [`${Z} queue_mode=0`, { ...ZONE, queue_mode: '2' }],
    [
      'zoned=1 zone_size=1 size=200 zone_max_open=150',
      { zone_append_max_sectors: '2048', zone_capacity: '1' },
    ],
  ])('zones: %s', (sets, adjusted) => {
    expect(adjustedBy(withSets(sets, KERNEL).judge())).toEqual(adjusted);
  });

  test('judging changes nothing, writing back changes what was adjusted', () => {
    const made = withSets(`${Z} zone_nr_conv=9 mbps=50000`);
    const { adjusted } = made.judge();
    expect(made.text('zone_nr_conv')).toBe('9\n');
    made.apply(adjusted);
    expect(made.text('zone_nr_conv')).toBe('3\n');
    expect(made.text('zone_capacity')).toBe('4\n');
    expect(made.text('mbps')).toBe('40960\n');
  });

  test('a later zone_size thus meets the old zone_capacity', () => {
    const made = withSets(Z);
    made.apply(made.judge().adjusted);
    made.set('zone_size', 8n);
    expect(made.judge().options.zone_capacity).toBe(4);
    made.set('zone_size', 2n);
    expect(refusedBy(() => made.judge()).message).toBe(
      'd: zone_capacity=4: must be at most zone_size=2 (MiB)',
    );
  });
});

/** By attribute; the message speaks of `blocksize` there and of `bs` at start. */
const refused: readonly (readonly [sets: string, says: string])[] = [
  ...[1, 256, 511, 513, 1000, 6000, 8192, 65536, 0].map(
    (bs) =>
      [`blocksize=${bs}`, `blocksize=${bs}: must be a power of two, 512..4096 (bytes)`] as const,
  ),
  [
    'queue_mode=1',
    'queue_mode=1: 1 (legacy request) is no longer available; must be 2 (multiqueue)',
  ],
  ['hw_queue_depth=0', 'hw_queue_depth=0: must be 1..10240; more becomes 10240 (tags)'],
  ['home_node=1', 'home_node=1: must be a NUMA node that is online (0), or -1 for any'],
  ['max_sectors=1', 'max_sectors=1: must be 0 (no limit of its own) or at least 8'],
  ['max_sectors=4 blocksize=4096', 'max_sectors=4: must be 0 (no limit of its own) or at least 8'],
  ['zoned=1 size=16 zone_size=0', 'zone_size=0: must be'],
  ['zoned=1 size=16 zone_size=3', 'zone_size=3: must be a power of two (MiB)'],
  ['zoned=1 size=16 zone_size=32', 'zone_size=32: must be at most the capacity, 16 (MiB)'],
  [`${Z} zone_capacity=5`, 'zone_capacity=5: must be at most zone_size=4 (MiB)'],
  [
    'zoned=1 zone_size=4 size=13 zone_capacity=3',
    'zone_capacity=3: must be zone_size=4 (MiB), since the last zone is short: size=13 is not a multiple of it',
  ],
  ['zoned=1 zone_size=4 size=15 zone_capacity=2', 'zone_capacity=2: must be zone_size=4 (MiB)'],
];

describe('what no device can be is refused', () => {
  test.each(refused)('%s at power on, with the device and the attribute', (sets, says) => {
    const error = refusedBy(() => withSets(sets).judge());
    expect(error.errno).toBe('EINVAL');
    expect(error.message.startsWith(`d: ${says}`)).toBe(true);
    expect(error.attribute).toBe(/^\w+/.exec(says)?.[0]);
  });

  test.each(refused)('%s at start, in the same words', (sets, says) => {
    const error = refusal(...sets.replace('blocksize', 'bs').split(' '));
    expect(error.message.startsWith(says.replace('blocksize', 'bs'))).toBe(true);
  });

  test.each([
    ['size=8589934592', 'size=8589934592: must be at most 8589934591 (MiB)'],
    ['size=18446744073709551615', 'must be at most 8589934591 (MiB)'],
    ['memory_backed=1 cache_size=8589934592', 'must be at most 8589934591 (MiB)'],
    ['completion_nsec=9007199254740992', 'must be at most 9007199254740991 (ns)'],
    ['completion_nsec=9007199254740993', 'must be at most 9007199254740991 (ns)'],
    [`${Z} zone_size=18446744073709551615`, 'must be'],
    [`${Z} zone_size=9223372036854775808`, 'must be at most the capacity, 16 (MiB)'],
    [`${Z} zone_capacity=18446744073709551615`, 'must be at most zone_size=4 (MiB)'],
    ['home_node=2147483648', 'must be a NUMA node that is online (0), or -1 for any'],
    ['home_node=4294967294', 'must be a NUMA node that is online (0), or -1 for any'],
  ])('%s fits into the attribute, and into no device', (sets, says) => {
    const error = refusedBy(() => withSets(sets).judge());
    expect(error).toMatchObject({ errno: 'EINVAL', message: expect.stringContaining(says) });
  });

  test('the largest values that a device can have are exact in its options', () => {
    expect(withSets('size=8589934591').judge().options.size).toBe(2 ** 33 - 1);
    expect(withSets('completion_nsec=9007199254740991').judge().options.completion_nsec).toBe(
      Number.MAX_SAFE_INTEGER,
    );
  });
});

describe('what the device is made from', () => {
  test('the attribute keeps its value where only the device has less', () => {
    const { options } = withSets(
      'queue_mode=7 hw_queue_depth=20000 max_sectors=255 blocksize=4096',
    ).judge();
    expect(options).toMatchObject({ queue_mode: 2, hw_queue_depth: 10240, max_sectors: 248 });
  });

  test('poll queues are at most the parameter, and at most the processors', () => {
    const polls = (value: number, words: string[]) => {
      return withSets(`poll_queues=${value}`, { words }).judge();
    };
    expect(polls(3, []).options.poll_queues).toBe(0);
    expect(polls(3, []).notices).toEqual([
      'd: poll_queues=3 becomes 0: the program was started with so many',
    ]);
    expect(polls(3, ['poll_queues=2']).options.poll_queues).toBe(2);
    expect(polls(3, ['poll_queues=3']).options.poll_queues).toBe(3);
    const many = polls(50, ['poll_queues=100']);
    expect(many.options.poll_queues).toBe(4);
    expect(adjustedBy(many)).toEqual({});
  });

  test('one submit queue for each NUMA node that is online', () => {
    const nodes = { machine: { cpus: 8, nodes: [0, 2, 3] } };
    const made = withSets('use_per_node_hctx=1 submit_queues=7 home_node=2', nodes).judge();
    expect(made.options).toMatchObject({ submit_queues: 3, home_node: 2 });
    expect(adjustedBy(made)).toEqual({ submit_queues: '3' });
    expect(refusedBy(() => withSets('home_node=1', nodes).judge()).message).toBe(
      'd: home_node=1: must be a NUMA node that is online (0, 2, 3), or -1 for any',
    );
  });

  test('more nodes than processors give no more queues than those', () => {
    const machine = { cpus: 2, nodes: [0, 1, 2] };
    expect(withSets('use_per_node_hctx=1', { machine }).judge().options.submit_queues).toBe(2);
  });

  test('a delay without the timer that keeps it is told', () => {
    const told = 'completion_nsec=5000 is without effect: it needs irqmode=2';
    expect(resolved('completion_nsec=5000').notices).toEqual([told]);
    expect(resolved('completion_nsec=5000', 'irqmode=1').notices).toEqual([told]);
    expect(resolved('completion_nsec=5000', 'irqmode=2').notices).toEqual([]);
    expect(resolved('completion_nsec=10000').notices).toEqual([]);
  });

  test('the program says once for each value what became of it', () => {
    expect(
      withSets(`${Z} discard=1 memory_backed=1 submit_queues=9 zone_max_open=7 mbps=99999`).judge()
        .notices,
    ).toEqual([
      'd: submit_queues=9 becomes 4: it must be 1..4 (cpus)',
      'd: discard=1 becomes 0: not with zoned=1',
      'd: mbps=99999 becomes 40960: the most',
      'd: zone_max_open=7 becomes 0: there are only 4 sequential zones',
    ]);
    expect(resolved('submit_queues=3', 'use_per_node_hctx').notices).toEqual([
      'submit_queues=3 becomes 1: use_per_node_hctx=1 is one for each NUMA node',
    ]);
    expect(resolved('cache_size=4').notices).toEqual([
      'cache_size=4 becomes 0: it needs memory_backed=1',
    ]);
  });
});

describe('for any values', () => {
  const number = fc.oneof(fc.nat(40), fc.constantFrom(512, 4096, 2 ** 31, 2 ** 32 - 1));
  const sets = fc
    .record({
      submit_queues: number,
      poll_queues: number,
      queue_mode: fc.constantFrom(0, 2, 3),
      irqmode: number,
      mbps: number,
      blocksize: fc.constantFrom(512, 1024, 4096),
      memory_backed: fc.nat(1),
      discard: fc.nat(1),
      cache_size: fc.nat(9),
      zoned: fc.nat(1),
      size: fc.nat(64),
      zone_size: fc.constantFrom(1, 2, 4, 8, 3),
      zone_capacity: fc.constantFrom(0, 0, 1, 3, 4, 9),
      zone_nr_conv: fc.nat(20),
      zone_max_open: fc.nat(20),
      zone_max_active: fc.nat(20),
      zone_append_max_sectors: fc.nat(20000),
    })
    .map((values) => Object.entries(values).map(([name, value]) => `${name}=${value}`));

  /** Tries directories until enough were accepted; `check` sees those. */
  function forAccepted(check: (made: Attributes, first: PowerOn) => void): void {
    let accepted = 0;
    fc.assert(
      fc.property(sets, (given) => {
        const made = withSets(given.join(' '), KERNEL);
        let first: PowerOn;
        try {
          first = made.judge();
        } catch (error) {
          expect(error).toBeInstanceOf(ErrnoError);
          return;
        }
        accepted++;
        check(made, first);
      }),
      { numRuns: testRuns(300) },
    );
    expect(accepted).toBeGreaterThan(100);
  }

  test('what was judged and written back is judged the same again', () => {
    forAccepted((made, first) => {
      made.apply(first.adjusted);
      expect(made.judge()).toMatchObject({ options: first.options, adjusted: new Map() });
      expect(adjustedBy(made.judge())).toEqual({});
    });
  });

  test('what is accepted is a device that can be', () => {
    forAccepted((_, { options }) => {
      expect(Object.keys(options)).toEqual([...optionNames]);
      expect(options.submit_queues).toBeGreaterThanOrEqual(1);
      expect(options.submit_queues).toBeLessThanOrEqual(MACHINE.cpus);
      expect(options.poll_queues).toBeLessThanOrEqual(1);
      expect(options.discard && !(options.memory_backed && !options.zoned)).toBe(false);
      expect(options.cache_size > 0 && !options.memory_backed).toBe(false);
      if (!options.zoned) return;
      const sequential = Math.ceil(options.size / options.zone_size) - options.zone_nr_conv;
      expect(sequential).toBeGreaterThanOrEqual(1);
      expect(options.zone_max_active).toBeLessThan(sequential);
      expect(options.zone_max_open).toBeLessThan(sequential);
      if (options.zone_max_active > 0) {
        expect(options.zone_max_open).toBeLessThanOrEqual(options.zone_max_active);
      }
      expect(options.zone_capacity).toBeGreaterThan(0);
      expect(options.zone_append_max_sectors).toBeLessThanOrEqual(options.zone_capacity * 2048);
      expect(options.zone_append_max_sectors % (options.bs / 512)).toBe(0);
    });
  });
});

test('a directory and the program make the same device from the same values', () => {
  const words = ['memory_backed', 'zoned', 'size=64', 'zone_size=4', 'zone_max_open=99', 'bs=4096'];
  expect(directory({ words }).judge().options).toEqual(options(...words));
});
