/** Attributes as a directory of the control tree shows and takes them: driver.md section 1. Values and
 *  results were recorded from null_blk of Linux 7.3.4. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  Attributes,
  attributeNamed,
  attributeNames,
  featuresText,
  isStored,
} from '../../src/config/attributes.ts';
import { anyText } from './any-text.ts';
import { directory, refusedBy, withSets, write } from './directory.ts';
import { options } from './words.ts';

const BOOLEANS = `badblocks_once badblocks_partial_io blocking discard fua journal memory_backed no_sched
  rotational shared_tag_bitmap shared_tags use_per_node_hctx virt_boundary zone_full zoned`;
const OF_32_BITS = `blocksize home_node hw_queue_depth index irqmode log max_sectors mbps poll_queues
  queue_mode submit_queues zone_append_max_sectors zone_max_active zone_max_open zone_nr_conv`;
const OF_64_BITS = 'cache_size completion_nsec journal_max size size_bytes zone_capacity zone_size';
const [booleans, of32, of64] = [BOOLEANS, OF_32_BITS, OF_64_BITS].map((text) => text.split(/\s+/));
const integers = [...(of32 ?? []), ...(of64 ?? [])];

/** The result of writing while off: what is read then, or the errno. */
function written(attribute: string, text: string): string {
  const made = directory();
  let result = '';
  try {
    write(made, attribute, text);
  } catch {
    result = refusedBy(() => write(made, attribute, text)).errno;
  }
  const name = attributeNamed('d', attribute);
  if (name === 'badblocks' || name === 'power') throw new Error(name);
  return result === '' ? made.text(name) : result;
}

test('every attribute is tried below', () => {
  const others = ['badblocks', 'power', 'zone_readonly', 'zone_offline'];
  expect(
    [...(booleans ?? []), ...integers, 'journal_file', 'journal_full', ...others].toSorted(),
  ).toEqual(attributeNames);
  expect(attributeNames.filter((name) => !isStored(name)).toSorted()).toEqual(others.toSorted());
});

test('features are all names, in alphabetical order', () => {
  const names = `badblocks badblocks_once badblocks_partial_io blocking blocksize cache_size completion_nsec
    discard fua home_node hw_queue_depth index irqmode journal journal_file journal_full journal_max log max_sectors mbps memory_backed no_sched
    poll_queues power queue_mode rotational shared_tag_bitmap shared_tags size size_bytes
    submit_queues use_per_node_hctx virt_boundary zone_append_max_sectors zone_capacity zone_full zone_max_active
    zone_max_open zone_nr_conv zone_offline zone_readonly zone_size zoned`;
  expect(featuresText).toBe(`${names.split(/\s+/).join(',')}\n`);
});

describe('booleans', () => {
  const yes = ['1', 'y', 'Y', 'on', 'ON', 'true', 't', '1\n'];
  const no = ['0', 'n', 'N', 'off', 'false', 'f', '0x1'];
  const neither = ['2', ' 1', '-1', 'abc', '', '\n', 'o', 'ok', '+1'];

  test.each(booleans ?? [])('%s', (name) => {
    for (const text of yes) expect(written(name, text), text).toBe('1\n');
    for (const text of no) expect(written(name, text), text).toBe('0\n');
    for (const text of neither) expect(written(name, text), text).toBe('EINVAL');
  });

  test('only the first letter counts, and after an o the second', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 4 }), (text) => {
        const [first = '', second = ''] = text.toLowerCase();
        const word = first === 'o' ? first + second : first;
        const yes = ['1', 'y', 't', 'on'].includes(word);
        const no = ['0', 'n', 'f', 'of'].includes(word);
        expect(written('zoned', text)).toBe(yes ? '1\n' : no ? '0\n' : 'EINVAL');
      }),
    );
  });
});

test('a word is one of those that there are', () => {
  expect(written('journal_file', '/tmp/a file\n')).toBe('/tmp/a file\n');
  expect(written('journal_file', '')).toBe('\n');
  for (const text of ['run.tj', './x', '/a\nb', '/a\0', '1']) {
    expect(written('journal_file', text), text).toBe('EINVAL');
  }
  expect(written('journal_full', 'fail\n')).toBe('fail\n');
  for (const text of ['', 'f', 'FAIL', 'fail ', '1']) {
    expect(written('journal_full', text), text).toBe('EINVAL');
  }
});

describe('integers', () => {
  const bad = ['-1', 'abc', ' 5', '5 ', '5x', '1.5', '', '\n', '5\n\n', '+5', '08', '0x', '0xg'];
  const alien = ['1e3', '٤', '0b1', '0o7', '-0', '5\r\n', '\n5', '5\0'];

  test.each(integers)('%s', (name) => {
    const good = { '0': 0, '1': 1, '0x10': 16, '010': 8, '5\n': 5, '0xAf': 175, '00': 0 };
    for (const [text, value] of Object.entries(good)) {
      expect(written(name, text), text).toBe(`${value}\n`);
    }
    for (const value of [511, 8192, 50000, 2147483648, 4294967295]) {
      expect(written(name, `${value}`)).toBe(`${value}\n`);
    }
    for (const text of [...bad, ...alien]) expect(written(name, text), text).toBe('EINVAL');
    expect(written(name, '18446744073709551616')).toBe('ERANGE');
  });

  test.each(of32 ?? [])('%s has 32 bits', (name) => {
    expect(written(name, '4294967296')).toBe('ERANGE');
    expect(written(name, '18446744073709551615')).toBe('ERANGE');
  });

  test.each(of64 ?? [])('%s has 64 bits, exactly', (name) => {
    for (const text of ['4294967296', '9007199254740993', '18446744073709551615']) {
      expect(written(name, text)).toBe(`${text}\n`);
    }
    for (const text of ['0xffffffffffffffff', '01777777777777777777777']) {
      expect(written(name, text)).toBe('18446744073709551615\n');
    }
    for (const text of ['0x10000000000000000', '02000000000000000000000']) {
      expect(written(name, text)).toBe('ERANGE');
    }
  });

  test('every notation of a number is the same number', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 70n }), fc.nat(30), (value, zeros) => {
        const expected = value < 2n ** 64n ? `${value}\n` : 'ERANGE';
        const pad = '0'.repeat(zeros);
        expect(written('size', `${value}`)).toBe(expected);
        expect(written('size', `0x${pad}${value.toString(16)}`)).toBe(expected);
        expect(written('size', `0${pad}${value.toString(8)}\n`)).toBe(expected);
      }),
    );
  });

  test('a number of any length is refused by range, in no time', () => {
    expect(written('size', '9'.repeat(1_000_000))).toBe('ERANGE');
    expect(written('size', `0x${'0'.repeat(1_000_000)}5`)).toBe('5\n');
  });
});

describe('a new directory', () => {
  test('shows the defaults', () => {
    const made = directory();
    const shown = Object.fromEntries(
      attributeNames.flatMap((name) =>
        isStored(name) ? [[name, made.text(name).slice(0, -1)]] : [],
      ),
    );
    expect(shown).toEqual({
      badblocks_once: '0',
      badblocks_partial_io: '0',
      blocking: '0',
      blocksize: '512',
      cache_size: '0',
      completion_nsec: '10000',
      discard: '0',
      fua: '1',
      home_node: '4294967295',
      hw_queue_depth: '64',
      index: '0',
      irqmode: '0',
      journal: '0',
      journal_file: '',
      journal_full: 'stop',
      journal_max: '1024',
      log: '0',
      max_sectors: '0',
      mbps: '0',
      memory_backed: '0',
      no_sched: '0',
      poll_queues: '0',
      queue_mode: '2',
      rotational: '0',
      shared_tag_bitmap: '0',
      shared_tags: '0',
      size: '4096',
      size_bytes: '0',
      submit_queues: '1',
      use_per_node_hctx: '0',
      virt_boundary: '0',
      zone_append_max_sectors: '2147483647',
      zone_capacity: '0',
      zone_full: '0',
      zone_max_active: '0',
      zone_max_open: '0',
      zone_nr_conv: '0',
      zone_size: '256',
      zoned: '0',
    });
  });

  test('starts from the parameters of the program', () => {
    const words = ['gb=1', 'bs=1024', 'submit_queues=100', 'poll_queues=100', 'no_sched=2'];
    const made = directory({ words: [...words, 'queue_mode=0', 'discard', 'home_node=0'] });
    const expected = { size: 1024, blocksize: 1024, submit_queues: 4, poll_queues: 100 };
    for (const [name, value] of Object.entries({ ...expected, no_sched: 1, discard: 1 })) {
      const known = attributeNamed('d', name);
      expect(isStored(known) && made.text(known), name).toBe(`${value}\n`);
    }
    expect(made.value('queue_mode')).toBe(0);
    expect(made.value('home_node')).toBe(0);
  });

  test('can be made from the options of a device too', () => {
    const made = new Attributes('d', options('size=7', 'memory_backed'), { cpus: 1, nodes: [0] });
    expect(made.judge().options).toMatchObject({ size: 7, memory_backed: true, blocking: true });
  });

  test('keeps what is written to itself', () => {
    const [a, b] = [directory(), directory()];
    write(a, 'size', '9');
    expect(b.text('size')).toBe('4096\n');
  });

  test('a value for JSON is a number', () => {
    expect(directory().value('fua')).toBe(1);
    expect(directory().value('zoned')).toBe(0);
    expect(directory().value('size')).toBe(4096);
    expect(directory().value('home_node')).toBe(4294967295);
  });
});

describe('moments', () => {
  const off = [...(booleans ?? []), ...integers].filter((name) => !/_queues$|^log$/.test(name));

  test.each(off)('%s is EBUSY while powered, after it was parsed', (name) => {
    const made = directory();
    const error = refusedBy(() => write(made, name, '1', true));
    expect(error).toMatchObject({
      errno: 'EBUSY',
      message: `d: ${name} can only be set while power is 0`,
      attribute: name,
    });
    expect(refusedBy(() => write(made, name, 'abc', true)).errno).toBe('EINVAL');
    write(made, name, '1', false);
  });

  test('the same value again is EBUSY too', () => {
    expect(refusedBy(() => write(directory(), 'size', '4096', true)).errno).toBe('EBUSY');
  });

  test('log can be set at any time, and is judged at once while powered', () => {
    for (const powered of [false, true]) {
      for (const text of ['0', '1048576']) write(directory(), 'log', text, powered);
    }
    write(directory(), 'log', '1048577');
    expect(refusedBy(() => write(directory(), 'log', '1048577', true))).toMatchObject({
      errno: 'EINVAL',
      message: 'd: log=1048577: must be at most 1048576 (commands)',
      attribute: 'log',
    });
  });

  test('power can be set at any time', () => {
    for (const powered of [false, true]) {
      for (const text of ['0', '1', 'y', 'off']) write(directory(), 'power', text, powered);
      expect(refusedBy(() => write(directory(), 'power', '2', powered)).errno).toBe('EINVAL');
    }
  });

  test.each(['zone_readonly', 'zone_offline'] as const)('%s is for a zoned device on', (name) => {
    const zoned = withSets('zoned=1');
    write(zoned, name, '0', true);
    write(zoned, name, '18446744073709551615', true);
    expect(refusedBy(() => write(zoned, name, '18446744073709551616', true)).errno).toBe('ERANGE');
    expect(refusedBy(() => write(zoned, name, 'abc', true)).errno).toBe('EINVAL');
    expect(refusedBy(() => write(zoned, name, '0')).message).toBe(
      `d: ${name} can only be set while power is 1`,
    );
    expect(refusedBy(() => write(zoned, name, '0')).errno).toBe('EINVAL');
    expect(refusedBy(() => write(directory(), name, '0', true))).toMatchObject({
      errno: 'EINVAL',
      message: `d: ${name}=0: the device is not zoned`,
    });
    expect(refusedBy(() => zoned.text(name)).errno).toBe('EACCES');
    expect(refusedBy(() => zoned.value(name)).message).toBe(`d: ${name} can only be written`);
  });
});

describe('queues of a running device', () => {
  const running = { words: ['poll_queues=3', 'submit_queues=2'] };

  test.each([
    ['poll_queues', '3', 'ok'],
    ['poll_queues', '4', 'EINVAL'],
    ['poll_queues', '0', 'ok'],
    ['poll_queues', '4294967295', 'EINVAL'],
    ['submit_queues', '4', 'ok'],
    ['submit_queues', '5', 'EINVAL'],
    ['submit_queues', '0', 'EINVAL'],
    ['submit_queues', '1', 'ok'],
    ['submit_queues', 'abc', 'EINVAL'],
  ])('%s=%s is %s', (name, text, result) => {
    const made = directory(running);
    const act = () => write(made, name, text, true);
    if (result === 'ok') act();
    else expect(refusedBy(act)).toMatchObject({ errno: result, attribute: name });
  });

  test('by default there is no poll queue to be had', () => {
    expect(refusedBy(() => write(directory(), 'poll_queues', '1', true)).message).toBe(
      'd: poll_queues=1: must be 0..0 while power is 1',
    );
    const made = new Attributes('d', options(), { cpus: 4, nodes: [0] }, 2);
    write(made, 'poll_queues', '2', true);
    expect(made.judge().options.poll_queues).toBe(2);
  });

  test('never more poll queues than processors, whatever the parameter', () => {
    const made = directory({ words: ['poll_queues=100'] });
    expect(refusedBy(() => write(made, 'poll_queues', '5', true)).errno).toBe('EINVAL');
    write(made, 'poll_queues', '4', true);
  });

  test('on shared tags only the number that there is', () => {
    const made = withSets('shared_tags=1', running);
    write(made, 'submit_queues', '2', true);
    for (const name of ['submit_queues', 'poll_queues']) {
      expect(refusedBy(() => write(made, name, '1', true)).message).toBe(
        `d: ${name}=1: cannot be changed while power is 1, with shared_tags=1`,
      );
    }
    write(made, 'submit_queues', '1', false);
  });
});

describe('names and messages', () => {
  test('an unknown name is ENOENT and told the nearest', () => {
    expect(refusedBy(() => attributeNamed('d', 'blocksiz'))).toMatchObject({
      errno: 'ENOENT',
      message: "d: blocksiz: no such attribute; the nearest is 'blocksize'",
    });
    for (const name of ['bs', 'gb', 'nr_devices', 'timeout', 'timeout_inject', 'features', '']) {
      expect(refusedBy(() => attributeNamed('d', name)).errno).toBe('ENOENT');
    }
    expect(refusedBy(() => attributeNamed('d', '__proto__')).errno).toBe('ENOENT');
  });

  test('a refusal is one short line whatever was written', () => {
    fc.assert(
      fc.property(anyText, (value) => {
        const { message } = refusedBy(() => write(directory(), 'size', `x${value}`));
        expect(message).toMatch(/^d: size=x/);
        expect(message).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
        expect(message.length).toBeLessThan(300);
      }),
    );
  });
});
