/** Words to options: driver.md section 1, rule by rule. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { faultText, NO_FAULT } from '../../src/config/fault-settings.ts';
import { isParameter, optionNames, rows } from '../../src/config/parameters.ts';
import { anyText } from './any-text.ts';
import { CPUS, options, refusal, resolved, typed } from './words.ts';

const DEFAULTS = {
  nr_devices: 1,
  gb: 4,
  size: 4096,
  size_bytes: 0n,
  bs: 512,
  rotational: false,
  queue_mode: 2,
  submit_queues: 1,
  poll_queues: 0,
  use_per_node_hctx: false,
  home_node: -1,
  hw_queue_depth: 64,
  shared_tags: false,
  shared_tag_bitmap: false,
  no_sched: false,
  blocking: false,
  irqmode: 0,
  completion_nsec: 10000,
  max_sectors: 0,
  virt_boundary: false,
  memory_backed: false,
  discard: false,
  cache_size: 0,
  fua: true,
  mbps: 0,
  badblocks_once: false,
  badblocks_partial_io: false,
  journal: false,
  journal_file: '',
  journal_max: 1024,
  journal_full: 'stop',
  log: 0,
  zoned: false,
  zone_size: 256,
  zone_capacity: 0,
  zone_nr_conv: 0,
  zone_max_open: 0,
  zone_max_active: 0,
  zone_append_max_sectors: 2147483647,
  zone_full: false,
  timeout: NO_FAULT,
  requeue: NO_FAULT,
  init_hctx: NO_FAULT,
};

test('without words every option has the default of driver.md', () => {
  expect(resolved()).toEqual({ options: DEFAULTS, start: DEFAULTS, notices: [] });
  expect(optionNames).toEqual(Object.keys(DEFAULTS));
});

test('a new directory starts from what was asked, not from what a device could have of it', () => {
  const { options, start } = resolved(
    ...['discard', 'cache_size=5', 'mbps=100000', 'hw_queue_depth=20000', 'queue_mode=0'],
    ...['max_sectors=255', 'bs=4096', 'poll_queues=100', 'zoned', 'zone_nr_conv=4000'],
  );
  expect(options).toMatchObject({ discard: false, cache_size: 0, mbps: 40960, queue_mode: 2 });
  expect(options).toMatchObject({ poll_queues: CPUS, zone_nr_conv: 15, max_sectors: 248 });
  expect(start).toMatchObject({ discard: true, cache_size: 5, mbps: 100000, queue_mode: 0 });
  expect(start).toMatchObject({ poll_queues: 100, zone_nr_conv: 4000, max_sectors: 255 });
  expect(start).toMatchObject({ hw_queue_depth: 20000, zone_capacity: 0, blocking: false });
});

test('but with as many submit queues as the program settled on', () => {
  expect(resolved('submit_queues=-1').start.submit_queues).toBe(CPUS);
  expect(resolved('submit_queues=0').start.submit_queues).toBe(1);
  expect(resolved('submit_queues=3', 'use_per_node_hctx').start.submit_queues).toBe(1);
});

test('each call has options of its own', () => {
  expect(options('gb=7', 'memory_backed').size).toBe(7168);
  expect(options()).toMatchObject({ size: 4096, gb: 4, memory_backed: false });
});

describe('capacity', () => {
  test('gb is in GiB, size in MiB', () => {
    expect(options('gb=7').size).toBe(7168);
    expect(options('size=100').size).toBe(100);
  });

  test('of gb and size the later one counts', () => {
    expect(options('gb=2', 'size=100').size).toBe(100);
    expect(options('size=100', 'gb=2').size).toBe(2048);
    expect(options('size=100', 'gb=2', 'size=5').size).toBe(5);
  });

  test('the largest capacity in bytes is still an exact number', () => {
    expect(Number.isSafeInteger(options('gb=8388607').size * 2 ** 20)).toBe(true);
    expect(Number.isSafeInteger(options('size=8589934591').size * 2 ** 20)).toBe(true);
  });

  test.each(['gb=0', 'gb=-1', 'gb=8388608', 'size=0', 'size=8589934592'])(
    '%s is refused',
    (bad) => {
      expect(refusal(bad).rule).toMatch(/^must be 1\.\.\d+ \((GiB|MiB)\)$/);
    },
  );
});

describe('block size', () => {
  test.each([512, 1024, 2048, 4096])('bs=%i is taken', (bs) => {
    expect(options(`bs=${bs}`).bs).toBe(bs);
  });

  test.each([0, 1, 256, 513, 1536, 3072, 4095, 4097, 8192, 65536, -512])(
    'bs=%i is refused',
    (bs) => {
      expect(refusal(`bs=${bs}`).message).toBe(
        `bs=${bs}: must be a power of two, 512..4096 (bytes)`,
      );
    },
  );
});

describe('queues', () => {
  test('queue_mode=0 becomes 2 with a notice, 1 is no longer available, others are refused', () => {
    expect(resolved('queue_mode=2')).toMatchObject({ options: { queue_mode: 2 }, notices: [] });
    const bio = resolved('queue_mode=0');
    expect(bio.options.queue_mode).toBe(2);
    expect(bio.notices).toEqual(['queue_mode=0 becomes 2: bio is no longer available']);
    expect(refusal('queue_mode=1').rule).toMatch(/^1 \(legacy request\) is no longer available/);
    expect(refusal('queue_mode=3').rule).toMatch(/^must be 2/);
    expect(refusal('queue_mode=-1').rule).toMatch(/^must be 2/);
  });

  test('a notice speaks of the value that counts, not of an earlier one', () => {
    expect(resolved('queue_mode=0', 'queue_mode=2').notices).toEqual([]);
  });

  test.each([
    ['1', 1],
    ['3', 3],
    ['4', 4],
  ])('submit_queues=%s is taken', (text, queues) => {
    expect(resolved(`submit_queues=${text}`)).toMatchObject({
      options: { submit_queues: queues },
      notices: [],
    });
  });

  test.each([
    ['0', 1],
    ['5', CPUS],
    ['2147483647', CPUS],
    ['-1', CPUS],
    ['-2147483648', CPUS],
  ])('submit_queues=%s becomes %i with a notice', (text, queues) => {
    const { options, notices } = resolved(`submit_queues=${text}`);
    expect(options.submit_queues).toBe(queues);
    expect(notices).toEqual([
      `submit_queues=${text} becomes ${queues}: it must be 1..${CPUS} (cpus)`,
    ]);
  });

  test('submit_queues beyond 32 bits is refused', () => {
    refusal('submit_queues=2147483648');
    refusal('submit_queues=-2147483649');
  });

  test('hw_queue_depth is 1..10240; more becomes 10240 with a notice', () => {
    expect(options('hw_queue_depth=1').hw_queue_depth).toBe(1);
    expect(resolved('hw_queue_depth=10240')).toMatchObject({
      options: { hw_queue_depth: 10240 },
      notices: [],
    });
    const more = resolved('hw_queue_depth=10241');
    expect(more.options.hw_queue_depth).toBe(10240);
    expect(more.notices).toEqual(['hw_queue_depth=10241 becomes 10240, the most']);
    expect(refusal('hw_queue_depth=0').rule).toMatch(/^must be 1\.\.10240/);
    expect(refusal('hw_queue_depth=-1').rule).toMatch(/^must be 1\.\.10240/);
  });

  test.each([
    ['0', false],
    ['1', true],
    ['2', true],
    ['-1', true],
    ['0x0', false],
    ['y', true],
    ['off', false],
  ])('no_sched is an integer, not 0 is true: %s', (text, value) => {
    expect(options(`no_sched=${text}`).no_sched).toBe(value);
  });
});

describe('completion', () => {
  test.each([0, 1, 2])('irqmode=%i is taken', (mode) => {
    expect(options(`irqmode=${mode}`).irqmode).toBe(mode);
  });

  test.each([3, -1])('irqmode=%i is refused', (mode) => {
    expect(refusal(`irqmode=${mode}`).message).toBe(`irqmode=${mode}: must be 0..2`);
  });

  test('completion_nsec goes from 0 to what a number holds exactly', () => {
    expect(options('completion_nsec=0').completion_nsec).toBe(0);
    expect(options('completion_nsec=9007199254740991').completion_nsec).toBe(2 ** 53 - 1);
    refusal('completion_nsec=9007199254740992');
    refusal('completion_nsec=9007199254740993'); // 2^53 + 1 rounds to 2^53: still too large
    refusal('completion_nsec=-1');
  });
});

describe('limits and data', () => {
  test('max_sectors is 0 or at least a page', () => {
    expect(options('max_sectors=0').max_sectors).toBe(0);
    expect(options('max_sectors=8').max_sectors).toBe(8);
    for (const few of [1, 7]) expect(refusal(`max_sectors=${few}`).rule).toMatch(/at least 8/);
    refusal('max_sectors=-8');
    refusal('max_sectors=4294967296');
  });

  test('max_sectors is rounded down to whole blocks, whichever word comes first', () => {
    expect(options('max_sectors=255', 'bs=4096').max_sectors).toBe(248);
    expect(options('bs=2048', 'max_sectors=255').max_sectors).toBe(252);
    expect(options('max_sectors=255').max_sectors).toBe(255);
  });

  test('discard without memory becomes 0 with a notice', () => {
    expect(resolved('discard', 'memory_backed')).toMatchObject({
      options: { discard: true },
      notices: [],
    });
    const { options, notices } = resolved('discard=1');
    expect(options.discard).toBe(false);
    expect(notices).toEqual(['discard=1 becomes 0: it needs memory_backed=1']);
  });

  test('memory sets blocking, whatever is asked', () => {
    expect(options('memory_backed', 'blocking=0').blocking).toBe(true);
    expect(options('blocking').blocking).toBe(true);
    expect(options('memory_backed=0').blocking).toBe(false);
  });

  test('no device at all is legal, and said', () => {
    const { options, notices } = resolved('nr_devices=0');
    expect(options.nr_devices).toBe(0);
    expect(notices).toHaveLength(1);
    refusal('nr_devices=-1');
    refusal('nr_devices=65537');
  });

  test('a negative number is refused, whatever the kernel makes of it', () => {
    for (const [name, row] of typed) {
      if (row.kind !== 'integer' || ['submit_queues', 'home_node'].includes(name)) continue;
      expect(refusal(`${name}=-1`).parameter).toBe(name);
    }
    refusal('home_node=-2');
  });
});

describe('faults', () => {
  const faults = ['timeout', 'requeue', 'init_hctx'] as const;

  test.each(faults)('%s takes four numbers, and gives them back in decimal', (name) => {
    expect(faultText(options(`${name}=1,100,0,-1`)[name])).toBe('1,100,0,-1');
    expect(faultText(options(`${name}=0x10,010,-2,0`)[name])).toBe('16,8,-2,0');
    expect(faultText(options(`${name}=4294967296,101,2147483647,-2147483648`)[name])).toBe(
      '4294967296,101,2147483647,-2147483648',
    );
    expect(faultText(resolved(`${name}=3,100,0,2`).start[name])).toBe('3,100,0,2');
  });

  const bad = ['', '1', '1,100', '1,100,0', '1,100,0,-1,', '1,100,0,-1,5', 'abc', '1,100,0,x'];
  const signs = ['-1,100,0,1', '1,-1,0,1', '1, 100,0,1', '1,,0,1', '+1,100,0,1'];
  const large = ['1,1,2147483648,1', '1,1,1,2147483648', '1,1,-2147483649,1', '1e3,1,1,1'];
  test.each(faults)('%s takes nothing else', (name) => {
    for (const text of [...bad, ...signs, ...large, '99999999999999999999,1,1,1']) {
      expect(refusal(`${name}=${text}`).message).toBe(
        `${name}=${text}: must be interval,probability,space,times; times -1 means no limit`,
      );
    }
  });
});

describe('order and names', () => {
  test('the later word wins', () => {
    expect(options('irqmode=1', 'memory_backed', 'irqmode=2', 'memory_backed=0')).toMatchObject({
      irqmode: 2,
      memory_backed: false,
    });
  });

  test('a bad word is refused also when a later one overrides it', () => {
    expect(refusal('bs=3', 'bs=512').message).toMatch(/^bs=3: /);
  });

  test('of several bad words the first is named', () => {
    expect(refusal('gb=0', 'bs=3').parameter).toBe('gb');
  });

  test.each(
    typed.filter(([, row]) => row.kind === 'integer' || row.kind === 'fault').map(([name]) => name),
  )('%s needs a value', (name) => {
    expect(refusal(name).message).toMatch(new RegExp(`^${name}: needs a value: ${name}=VALUE; `));
  });

  const attributesOnly = `badblocks badblocks_once badblocks_partial_io zone_readonly zone_offline
    power index features`.split(/\s+/);

  // By name, so that none is forgotten when a row changes its place.
  test('every other row is a parameter', () => {
    expect([...rows.keys()].filter((name) => !isParameter(name))).toEqual(attributesOnly);
    for (const name of ['toString', '__proto__', 'constructor', '', 'blocksize']) {
      expect(isParameter(name)).toBe(false);
    }
  });

  test.each(attributesOnly)('%s is refused as an attribute, with and without a value', (name) => {
    const rule = 'is an attribute of a device, not a parameter of the program';
    expect(refusal(`${name}=1`).message).toBe(`${name}=1: ${rule}`);
    expect(refusal(name).message).toBe(`${name}: ${rule}`);
  });

  test('an unknown name is told the nearest', () => {
    expect(refusal('memory_baked=1').message).toBe(
      "memory_baked=1: unknown parameter; the nearest known is 'memory_backed'",
    );
    for (const name of ['__proto__', 'constructor', 'toString', '']) {
      expect(refusal(`${name}=1`).rule).toBe('unknown parameter');
    }
    expect(refusal('GB=1').rule).toBe("unknown parameter; the nearest known is 'gb'");
  });

  test("an attribute's name leads to its parameter", () => {
    expect(refusal('blocksize=512').rule).toBe("is an attribute; the parameter is 'bs'");
    expect(refusal('timeout_inject=1').rule).toBe("is an attribute; the parameter is 'timeout'");
  });

  test('a refusal is one short line whatever was typed', () => {
    fc.assert(
      fc.property(anyText, anyText, (name, value) => {
        const { message } = refusal(`${name.replaceAll('=', '')}=${value}`, 'gb=0');
        expect(message).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
        expect(message.length).toBeLessThan(400);
      }),
    );
  });
});
