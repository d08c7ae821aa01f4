/** The tree over real devices: control.md section 2, driver.md section 1. */

import { describe, expect, test } from 'vitest';
import { featuresText } from '../../src/config/attributes.ts';
import type { Errno } from '../../src/config/errors.ts';
import { rows } from '../../src/config/parameters.ts';
import { fileNames, readableNames } from '../../src/control/attribute-names.ts';
import { writeBadBlocks } from '../driver/write-bad-blocks.ts';
import { CountingAllocator } from '../pages/counting-allocator.ts';
import { errnoOf, loseRequests, refusal, type Texts, world } from './world.ts';

const texts = (values: Texts) => new Map(Object.entries(values));
const none = new Map<string, string>();

describe('names', () => {
  test('every attribute of the table is a file, and the three fault groups are folders', () => {
    const wanted = [...rows].filter(([, row]) => row.where !== 'P');
    const names = wanted.map(([name, row]) => row.attribute ?? name);
    const numbers = ['interval', 'probability', 'space', 'times'];
    const groups = ['timeout_inject', 'requeue_inject', 'init_hctx_fault_inject'];
    const inGroups = groups.flatMap((group) => numbers.map((number) => `${group}/${number}`));
    const all = [...names.filter((name) => name !== 'features'), ...inGroups];
    expect(fileNames).toEqual(all.sort());
  });

  test('features lists the attributes in order, without the fault groups, on one line', () => {
    expect(featuresText).toMatch(/^badblocks,badblocks_once,.*,zoned\n$/);
    expect(featuresText).not.toMatch(/inject|features/);
    expect(featuresText).toMatch(/,index,.*,power,.*,zone_offline,zone_readonly,/);
  });

  test.each(['', '.', '..', 'a/b', '/', 'a\0'])('%j is no name', async (name) => {
    expect(await errnoOf(() => world().tree.create(name, none))).toBe('EINVAL');
  });

  test('a name is cut to 31 characters, wherever it is said', async () => {
    const { tree, devices } = world();
    const long = 'x'.repeat(40);
    expect(await tree.create(long, none)).toMatchObject({ values: { name: 'x'.repeat(31) } });
    expect(tree.view(long).object).toMatchObject({ name: 'x'.repeat(31) });
    const clash = await refusal(() => tree.create(`${'x'.repeat(31)}yz`, none));
    expect(clash.errno).toBe('EEXIST');
    await tree.remove(long);
    expect([...devices]).toEqual([]);
    expect(await tree.create('\u{1f4be}'.repeat(40), none)).toMatchObject({
      values: { name: '\u{1f4be}'.repeat(31) },
    });
  });

  test('a clash with a device made at start is EEXIST', async () => {
    const { tree } = world();
    await tree.create('nullb0', texts({ power: '1' }));
    const clash = await refusal(() => tree.create('nullb0', none));
    expect(clash).toMatchObject({
      errno: 'EEXIST',
      message: "a device 'nullb0' exists already",
    });
  });

  test.each(['view', 'remove', 'stats', 'requests', 'flush', 'zones'] as const)(
    '%s of a device that is not there is ENOENT',
    async (operation) => {
      const { tree } = world();
      const { errno, message } = await refusal(() => tree[operation]('nullb9'));
      expect({ errno, message }).toEqual({
        errno: 'ENOENT',
        message: "there is no device 'nullb9'",
      });
    },
  );

  test('an attribute that nobody knows is ENOENT, and the nearest is named', async () => {
    const { tree, device, patch } = world();
    device();
    const read = await refusal(() => tree.text('nullb0', 'sise'));
    expect(read).toMatchObject({ errno: 'ENOENT', attribute: 'sise' });
    expect(read.message).toContain("the nearest is 'size'");
    expect((await refusal(() => patch({ bs: '512' }))).message).toContain("'blocksize'");
    expect((await refusal(() => tree.text('nullb0', 'timeout_inject/verbose'))).errno).toBe(
      'ENOENT',
    );
  });
});

describe('reading', () => {
  test('a new directory has defaults and power 0', async () => {
    const { tree } = world();
    const { object } = await tree.create('a', none);
    expect(Object.keys(object)).toEqual(['name', ...readableNames]);
    expect(object).toMatchObject({ name: 'a', power: 0, index: 0, size: 4096, badblocks: '' });
    expect(object).toMatchObject({
      timeout_inject: '1,0,0,1',
      'timeout_inject/probability': 0,
      'timeout_inject/times': 1,
      memory_backed: 0,
      fua: 1,
    });
    expect(object).not.toHaveProperty('zone_readonly');
  });

  test('text is what configfs shows', async () => {
    const { tree, device, patch } = world();
    const { badBlocks } = device();
    expect(tree.text('nullb0', 'power')).toBe('0\n');
    expect(tree.text('nullb0', 'badblocks')).toBe('');
    writeBadBlocks(badBlocks, '+5-7');
    expect(tree.text('nullb0', 'badblocks')).toBe('5 3\n');
    expect(tree.text('nullb0', 'home_node')).toBe('4294967295\n');
    expect(tree.text('nullb0', 'requeue_inject')).toBe('1,0,0,1\n');
    expect(tree.text('nullb0', 'requeue_inject/times')).toBe('1\n');
    await patch({ power: '1' });
    expect(tree.text('nullb0', 'power')).toBe('1\n');
    expect(tree.text('nullb0', 'index')).toBe('0\n');
  });

  test.each(['zone_readonly', 'zone_offline'])('%s can only be written: EACCES', async (name) => {
    const { tree, device } = world();
    device();
    const wrong = await refusal(() => tree.text('nullb0', name));
    expect(wrong).toMatchObject({ errno: 'EACCES', attribute: name });
  });
});

test.each(['requeue_inject/times', 'badblocks', 'mbps', 'init_hctx_fault_inject', 'zone_offline'])(
  'all is checked before anything changes: a wrong %s comes too late for none of it',
  async (name) => {
    const { device, patch } = world();
    let changed = 0;
    device().faults.timeout.onChanged = () => changed++;
    device().badBlocks.onEnabled = () => changed++;
    const texts = { 'timeout_inject/probability': '5', badblocks: '+1-2', [name]: 'x' };
    expect(await errnoOf(() => patch(texts))).toBe('EINVAL');
    expect(changed).toBe(0);
    expect(device().badBlocks.enabled).toBe(false);
    await patch({ 'timeout_inject/probability': '5', badblocks: '+1-2' });
    expect(changed).toBe(2);
  },
);

test('of several wrong texts the first is told of', async () => {
  const { device, patch } = world();
  device();
  const wrong = await refusal(() =>
    patch({ 'timeout_inject/times': 'x', badblocks: 'y', bs: '3' }),
  );
  expect(wrong.attribute).toBe('timeout_inject/times');
  expect(wrong.message).toMatch(/^nullb0: timeout_inject\/times: x: must be a number/);
});

describe('power', () => {
  test('create with attributes sets them first and powers last', async () => {
    const { tree, devices } = world();
    await tree.create('first', texts({ power: '1' }));
    const { object } = await tree.create(
      'a',
      texts({ power: '1', size: '16', memory_backed: '1' }),
    );
    expect(object).toMatchObject({ power: 1, size: 16, memory_backed: 1, blocking: 1, index: 1 });
    expect(devices.get('a')?.disk?.capacity).toBe(32_768);
  });

  test.each([
    ['a value that is none', { size: 'many' }, 'EINVAL'],
    ['an attribute that nobody knows', { sise: '1' }, 'ENOENT'],
    ['values that power on refuses', { blocksize: '8192', power: '1' }, 'EINVAL'],
    ['a bad range', { badblocks: '+1-2\n+4-3' }, 'EINVAL'],
  ] as const)('create with %s leaves no directory', async (_, values, errno) => {
    const { tree, devices } = world();
    expect((await refusal(() => tree.create('a', texts(values)))).errno).toBe(errno);
    expect([...devices]).toEqual([]);
    await tree.create('a', none);
  });

  test('what power on adjusts is written back, told, and stays after power off', async () => {
    const { tree, device, patch, notices } = world();
    device();
    await patch({ submit_queues: '9', power: '1' });
    expect(tree.text('nullb0', 'submit_queues')).toBe('4\n');
    expect(notices).toEqual(['nullb0: submit_queues=9 becomes 4: it must be 1..4 (cpus)']);
    await patch({ power: '0' });
    expect(tree.text('nullb0', 'submit_queues')).toBe('4\n');
  });

  test('a power on that is refused writes nothing back, not even what it would have adjusted', async () => {
    const { tree, device, patch, notices } = world();
    device();
    await patch({ submit_queues: '9', irqmode: '3', blocksize: '8192' });
    await patch({ init_hctx_fault_inject: '1,100,0,1' });
    const before = tree.view('nullb0').object;
    expect(await refusal(() => patch({ power: '1' }))).toMatchObject({ errno: 'EINVAL' });
    expect(tree.view('nullb0').object).toEqual(before);
    await patch({ blocksize: '4096' });
    expect(await refusal(() => patch({ power: '1' }))).toMatchObject({ errno: 'ENOMEM' });
    expect(tree.text('nullb0', 'submit_queues')).toBe('9\n');
    expect([tree.text('nullb0', 'irqmode'), notices]).toEqual(['3\n', []]);
    await patch({ power: '1' });
    expect(tree.text('nullb0', 'submit_queues')).toBe('4\n');
    expect([tree.text('nullb0', 'irqmode'), notices.length]).toEqual(['2\n', 2]);
  });

  test('a power on that fails takes everything back', async () => {
    const { tree, patch, ...it } = world();
    it.device();
    await patch({ badblocks: '+1-2', init_hctx_fault_inject: '1,100,0,-1' });
    const before = tree.view('nullb0').object;
    const values = { size: '8', 'timeout_inject/times': '-1', timeout_inject: '1,2,3,4' };
    const wrong = await refusal(() => patch({ ...values, badblocks: '-1-2\n+9-9', power: '1' }));
    expect(wrong).toMatchObject({
      errno: 'ENOMEM',
      message: 'nullb0: hardware queue 0 could not be built',
    });
    expect(tree.view('nullb0').object).toEqual(before);
    const refused = await refusal(() =>
      patch({ submit_queues: '9', blocksize: '8192', power: '1' }),
    );
    expect(refused).toMatchObject({ errno: 'EINVAL', attribute: 'blocksize' });
    expect(tree.view('nullb0').object).toEqual(before);
    await patch({ 'init_hctx_fault_inject/times': '0', power: '1' });
  });

  test('the same value again does nothing', async () => {
    const { device, patch } = world();
    const one = device();
    await patch({ power: '0' });
    expect(one.powered).toBe(false);
    await patch({ power: '1' });
    const { disk } = one;
    await patch({ power: 'on\n' });
    expect(one.disk).toBe(disk);
  });

  test('it is a boolean', async () => {
    const { device, patch } = world();
    device();
    for (const power of ['2', '', 'maybe', '\n', ' 1']) {
      expect(await refusal(() => patch({ power }))).toMatchObject({
        errno: 'EINVAL',
        attribute: 'power',
      });
    }
    await patch({ power: 'T' });
    await patch({ power: 'off' });
  });

  test('what is asked while power goes off waits until it is off', async () => {
    const { tree, device, patch, pass } = world();
    device();
    await patch({ memory_backed: '1', cache_size: '1', power: '1' });
    loseRequests(device(), 1);
    const order: string[] = [];
    const flushed = errnoOf(() => tree.flush('nullb0'));
    const off = patch({ power: '0' }).then(() => order.push('off'));
    // Refused if it were tried now.
    const size = patch({ size: '8' }).then(() => order.push('size'));
    const gone = tree.remove('nullb0').then(() => order.push('gone'));
    const late = errnoOf(() => patch({ size: '9' }));
    await new Promise(setImmediate);
    expect(order).toEqual([]);
    expect(tree.text('nullb0', 'power')).toBe('1\n');
    expect(await errnoOf(() => tree.flush('nullb0'))).toBe('ENODEV');
    pass(7);
    expect(await flushed).toBe('ETIMEDOUT');
    await Promise.all([off, size, gone]);
    expect(order).toEqual(['off', 'size', 'gone']);
    expect(await late).toBe('ENOENT');
  });

  test('an operation that failed does not hold up the next', async () => {
    const { device, patch, tree } = world();
    device();
    const first = refusal(() => patch({ size: 'x' }));
    const second = patch({ size: '8' });
    expect((await first).errno).toBe('EINVAL');
    await second;
    expect(tree.text('nullb0', 'size')).toBe('8\n');
  });
});

describe('a patch is all or nothing', () => {
  const wrong: readonly (readonly [Readonly<Record<string, string>>, Errno, string])[] = [
    [{ size: '8', blocksize: 'x' }, 'EINVAL', 'blocksize'],
    [{ size: '8', blocksize: '99999999999' }, 'ERANGE', 'blocksize'],
    [{ size: '8', power: 'maybe' }, 'EINVAL', 'power'],
    [{ size: '8', index: '-1' }, 'EINVAL', 'index'],
    [{ size: '8', index: '4294967296' }, 'ERANGE', 'index'],
    [{ badblocks: '+1-2\n+3', size: '8' }, 'EINVAL', 'badblocks'],
    [{ badblocks: '+1-2', 'timeout_inject/times': 'x' }, 'EINVAL', 'timeout_inject/times'],
    [{ badblocks: '+1-2', timeout_inject: '1,2,3' }, 'EINVAL', 'timeout_inject'],
    [{ badblocks: '+1-2', timeout_inject: '1,2,x,4' }, 'EINVAL', 'timeout_inject'],
    [{ badblocks: '+1-2', zone_readonly: '0' }, 'EINVAL', 'zone_readonly'],
    [{ size: '8', 'timeout_inject/verbose': '1' }, 'ENOENT', 'timeout_inject/verbose'],
  ];
  test.each(wrong)('%j is refused', async (values, errno, attribute) => {
    const { tree, device, patch } = world();
    writeBadBlocks(device().badBlocks, '+100-200');
    const before = tree.view('nullb0').object;
    const error = await refusal(() => patch(values));
    expect(error).toMatchObject({ errno, attribute });
    expect(error.message).toMatch(/^nullb0: /);
    expect(tree.view('nullb0').object).toEqual(before);
  });

  test('while powered what is for off is EBUSY, after the value was parsed', async () => {
    const { tree, device, patch } = world();
    device();
    await patch({ power: '1' });
    const before = tree.view('nullb0').object;
    const busy = await refusal(() => patch({ badblocks: '+1-2', size: '8', power: '0' }));
    expect(busy).toMatchObject({
      errno: 'EBUSY',
      attribute: 'size',
      message: 'nullb0: size can only be set while power is 0',
    });
    expect((await refusal(() => patch({ index: '3' }))).errno).toBe('EBUSY');
    expect((await refusal(() => patch({ index: 'x' }))).errno).toBe('EINVAL');
    expect((await refusal(() => patch({ size: 'x' }))).errno).toBe('EINVAL');
    expect(tree.view('nullb0').object).toEqual(before);
  });
});

describe('live attributes', () => {
  test('index may be written while off; power on gives the lowest free one', async () => {
    const { tree, device, patch } = world();
    device();
    await patch({ index: '3' });
    expect(tree.text('nullb0', 'index')).toBe('3\n');
    await patch({ power: '1' });
    expect(tree.text('nullb0', 'index')).toBe('0\n');
    await tree.create('b', texts({ power: '1' }));
    await patch({ power: '0' });
    expect(tree.text('nullb0', 'index')).toBe('0\n');
    expect((await tree.create('c', texts({ power: '1' }))).object).toMatchObject({ index: 0 });
    await patch({ power: '1' });
    expect(tree.text('nullb0', 'index')).toBe('2\n');
  });

  test('badblocks takes a range in each line, in order', async () => {
    const { tree, device, patch } = world();
    device();
    await patch({ badblocks: '+1-2\n+8-9\n-1-2\n+20-20\n' });
    expect(tree.text('nullb0', 'badblocks')).toBe('8 2\n20 1\n');
    expect((await refusal(() => patch({ badblocks: '' }))).errno).toBe('EINVAL');
    expect((await refusal(() => patch({ badblocks: '+1-2\n\n+3-4' }))).errno).toBe('EINVAL');
    expect(tree.text('nullb0', 'badblocks')).toBe('8 2\n20 1\n');
  });

  test('a fault group is four files, or one text', async () => {
    const { tree, device, patch } = world();
    device();
    await patch({ power: '1', timeout_inject: '2,100,3,-1\n' });
    expect(tree.text('nullb0', 'timeout_inject')).toBe('2,100,3,-1\n');
    await patch({ 'timeout_inject/probability': '50' });
    expect(tree.view('nullb0').object).toMatchObject({
      timeout_inject: '2,50,3,-1',
      'timeout_inject/times': -1,
      requeue_inject: '1,0,0,1',
    });
  });

  test('queue numbers of a powered device change it, both at once', async () => {
    const { tree, device, patch } = world({ words: ['poll_queues=2'] });
    const has = () => [device().queues, device().disk?.queue.hwQueueCount];
    device();
    await patch({ submit_queues: '2', poll_queues: '0' });
    await patch({ power: '1' });
    expect(has()).toEqual([{ submit: 2, poll: 0 }, 2]);
    await patch({ submit_queues: '3', poll_queues: '1' });
    expect(has()).toEqual([{ submit: 3, poll: 1 }, 4]);
    const { generation } = device().disk?.queue ?? {};
    await patch({ poll_queues: '1', submit_queues: '3' });
    expect(device().disk?.queue.generation).toBe(generation);
    await patch({ poll_queues: '2' });
    expect(has()).toEqual([{ submit: 3, poll: 2 }, 5]);
    expect(tree.view('nullb0').object).toMatchObject({ submit_queues: 3, poll_queues: 2 });
  });

  test('a change of one kind of queue leaves what is in force of the other', async () => {
    // As a parameter more than there are processors is used as so many, and read back as given.
    const { tree, device, patch } = world({ words: ['poll_queues=9'] });
    device();
    await patch({ power: '1' });
    await patch({ submit_queues: '2' });
    expect(device().queues).toEqual({ submit: 2, poll: 4 });
    expect(tree.view('nullb0').object).toMatchObject({ submit_queues: 2, poll_queues: 9 });
  });

  const queues: readonly (readonly [string, Texts, Texts, Errno, string])[] = [
    ['none', {}, { submit_queues: '0' }, 'EINVAL', 'submit_queues'],
    ['too many', {}, { submit_queues: '5' }, 'EINVAL', 'submit_queues'],
    ['too many to poll', {}, { poll_queues: '3' }, 'EINVAL', 'poll_queues'],
    ['on shared tags', { shared_tags: '1' }, { submit_queues: '2' }, 'EINVAL', 'submit_queues'],
    ['polled, on shared tags', { shared_tags: '1' }, { poll_queues: '0' }, 'EINVAL', 'poll_queues'],
    [
      'that cannot be built',
      {},
      { init_hctx_fault_inject: '1,100,0,-1', submit_queues: '2' },
      'ENOMEM',
      'submit_queues',
    ],
    [
      'of which the last cannot be built',
      {},
      { init_hctx_fault_inject: '1,100,3,-1', poll_queues: '1', submit_queues: '2' },
      'ENOMEM',
      'submit_queues',
    ],
  ];
  test.each(queues)('queues: %s', async (_, start, change, errno, attribute) => {
    const { tree, device, patch } = world({ words: ['poll_queues=2'] });
    device();
    await patch({ ...start, power: '1' });
    const before = tree.view('nullb0').object;
    const has = device().queues;
    const wrong = await refusal(() => patch({ badblocks: '+1-2', ...change }));
    expect(wrong).toMatchObject({ errno, attribute });
    expect(tree.view('nullb0').object).toEqual(before);
    expect(device().queues).toEqual(has);
    await tree.flush('nullb0');
  });

  test('a zone is made read-only or offline by any sector in it, and only where it can be', async () => {
    const { device, patch } = world();
    device();
    const conditions = () =>
      device()
        .zones?.report()
        .map(({ condition }) => condition);
    await patch({ ...ZONED, power: '1' });
    await patch({ zone_readonly: '2049', zone_offline: '0x1000\n' });
    expect(conditions()).toEqual([0, 13, 15, 1]);
    for (const sector of ['0', '2047', '8192', '18446744073709551615', 'x', '', '-1']) {
      expect(await refusal(() => patch({ zone_offline: sector }))).toMatchObject({
        errno: 'EINVAL',
        attribute: 'zone_offline',
        message: expect.stringMatching(/^nullb0: zone_offline=/),
      });
    }
    const large = await errnoOf(() => patch({ zone_offline: '18446744073709551616' }));
    expect(large).toBe('ERANGE');
    expect(await errnoOf(() => patch({ zone_readonly: '6144', zone_offline: '0' }))).toBe('EINVAL');
    expect(conditions()).toEqual([0, 13, 15, 1]);
    await patch({ zone_readonly: '4096', zone_offline: '4096' });
    await patch({ zone_readonly: '2048' });
    expect(conditions()).toEqual([0, 1, 15, 1]);
    await patch({ power: '0' });
    const off = await refusal(() => patch({ zone_offline: '2048' }));
    expect(off).toMatchObject({ errno: 'EINVAL', message: expect.stringContaining('power is 1') });
    await patch({ zoned: '0', power: '1' });
    expect((await refusal(() => patch({ zone_offline: '2048' }))).message).toContain('not zoned');
  });
});

/** Four zones of 2048 sectors, the first of them conventional. */
const ZONED = { zoned: '1', size: '4', zone_size: '1', zone_nr_conv: '1' };
const SECTOR = new Uint8Array(512);

describe('zones and flush', () => {
  async function zoned(more: Texts = {}, allocator?: CountingAllocator) {
    const it = world(allocator === undefined ? {} : { allocator });
    it.device();
    await it.patch({ ...ZONED, ...more, power: '1' });
    const manage = (operation: 'open' | 'close' | 'finish' | 'reset', sector: number) => {
      return it.tree.zoneOperation('nullb0', operation, sector, undefined);
    };
    const conditions = () =>
      it
        .device()
        .zones?.report()
        .map(({ condition, writePointer }) => [condition, writePointer]);
    return { ...it, manage, conditions };
  }

  test('an operation is for one zone, or for whole zones', async () => {
    const { tree, manage, conditions } = await zoned({ memory_backed: '1' });
    await manage('open', 2048);
    await manage('finish', 4096);
    expect(await tree.append('nullb0', 6144, new Uint8Array(1024))).toBe(6144);
    expect(await tree.append('nullb0', 6144, SECTOR)).toBe(6146);
    await manage('close', 6144);
    expect(conditions()).toEqual([
      [0, 2048],
      [3, 2048],
      [14, 6144],
      [4, 6147],
    ]);
    await tree.zoneOperation('nullb0', 'reset', 4096, 4096);
    expect(conditions()?.slice(1)).toEqual([
      [3, 2048],
      [1, 4096],
      [1, 6144],
    ]);
    await tree.zoneOperation('nullb0', 'reset-all', 0, undefined);
    expect(conditions()?.[1]).toEqual([1, 2048]);
    await tree.zoneOperation('nullb0', 'finish', 2048, 6144);
    expect(conditions()?.map(([condition]) => condition)).toEqual([0, 14, 14, 14]);
    // Of every zone, also where one is conventional: as reset-all.
    await tree.zoneOperation('nullb0', 'reset', 0, 8192);
    expect(conditions()?.map(([condition]) => condition)).toEqual([0, 1, 1, 1]);
  });

  test('a range ends at the first zone that fails, with what was done before standing', async () => {
    const { tree, patch, conditions } = await zoned({ zone_nr_conv: '0' });
    await patch({ zone_offline: '4096' });
    const wrong = await refusal(() => tree.zoneOperation('nullb0', 'finish', 0, 8192));
    expect(wrong).toMatchObject({
      errno: 'EIO',
      message: 'nullb0: zone 2: finish but the zone is offline',
    });
    expect(conditions()?.map(([condition]) => condition)).toEqual([14, 14, 15, 1]);
  });

  test.each([
    [1, undefined, 'no zone begins at sector 1'],
    [2049, 2048, 'no zone begins at sector 2049'],
    [2048, 1, '1 sectors from sector 2048 on are not whole zones'],
    [2048, 0, '0 sectors from sector 2048 on are not whole zones'],
    [2048, 8192, '8192 sectors from sector 2048 on are not whole zones'],
    [8192, undefined, 'no zone begins at sector 8192'],
    [2 ** 53 - 1, undefined, 'no zone begins at sector 9007199254740991'],
    [0, 2 ** 53 - 1, '9007199254740991 sectors from sector 0 on are not whole zones'],
  ])('from %s for %s sectors are not whole zones: EINVAL', async (sector, sectors, why) => {
    const { tree, conditions } = await zoned();
    const before = conditions();
    for (const operation of ['open', 'close', 'finish', 'reset'] as const) {
      const wrong = await refusal(() => tree.zoneOperation('nullb0', operation, sector, sectors));
      expect(wrong).toMatchObject({ errno: 'EINVAL', message: `nullb0: ${why}` });
    }
    if (sectors === undefined) {
      const wrong = await refusal(() => tree.append('nullb0', sector, SECTOR));
      expect(wrong).toMatchObject({ errno: 'EINVAL', message: `nullb0: ${why}` });
    }
    expect(conditions()).toEqual(before);
  });

  test.each([
    ['512', [0, 1, 513]],
    ['4096', [0, 512, 4095, 6144]],
  ] as const)('an append with block size %s is whole blocks', async (blocksize, lengths) => {
    const { tree, conditions } = await zoned({ blocksize });
    for (const length of lengths) {
      const wrong = await refusal(() => tree.append('nullb0', 2048, new Uint8Array(length)));
      expect(wrong).toMatchObject({
        errno: 'EINVAL',
        message: `nullb0: ${length} bytes are not whole blocks of ${blocksize} bytes`,
      });
    }
    expect(conditions()?.[1]).toEqual([1, 2048]);
    await tree.append('nullb0', 2048, new Uint8Array(Number(blocksize)));
  });

  describe('what the device refuses is told with its reason', () => {
    type Case = readonly [
      what: string,
      attributes: Texts,
      work: (it: Awaited<ReturnType<typeof zoned>>) => Promise<unknown>,
      errno: Errno,
      message: string,
    ];
    const open = 'zone_max_open';
    const active = 'zone_max_active';
    const cases: readonly Case[] = [
      [
        'a conventional zone',
        {},
        ({ manage }) => manage('open', 0),
        'EIO',
        'zone 0: open but the zone is conventional',
      ],
      [
        'a zone in the wrong condition',
        {},
        ({ manage }) => manage('close', 2048),
        'EIO',
        'zone 1: close but the zone is empty',
      ],
      [
        'too many open',
        { zone_max_open: '1' },
        ({ manage }) => manage('open', 2048).then(() => manage('open', 4096)),
        'ETOOMANYREFS',
        `zone 2: open but no more than 1 may be open (${open})`,
      ],
      [
        'too many active',
        { zone_max_active: '1' },
        ({ manage, tree }) =>
          tree.append('nullb0', 2048, SECTOR).then(() => manage('finish', 4096)),
        'EOVERFLOW',
        `zone 2: finish but no more than 1 may be active (${active})`,
      ],
      [
        'an append that is too long',
        { zone_append_max_sectors: '8' },
        ({ tree }) => tree.append('nullb0', 2048, new Uint8Array(9 * 512)),
        'EINVAL',
        'zone 1: append of 9 sectors but an append has at most 8',
      ],
      [
        'an append beyond the capacity',
        { zone_size: '2', zone_capacity: '1', zone_nr_conv: '0' },
        async ({ tree }) => {
          await tree.append('nullb0', 0, new Uint8Array(2047 * 512));
          await tree.append('nullb0', 0, new Uint8Array(2 * 512));
        },
        'EIO',
        'zone 0: append of 2 sectors at sector 2047 but its capacity ends at 2048',
      ],
      [
        'an append to a full zone',
        { zone_full: '1' },
        ({ tree }) => tree.append('nullb0', 2048, SECTOR),
        'EIO',
        'zone 1: append but the zone is full',
      ],
      [
        'an append to a conventional zone',
        {},
        ({ tree }) => tree.append('nullb0', 0, SECTOR),
        'EIO',
        'zone 0: append but the zone is conventional',
      ],
      [
        'a bad block',
        { badblocks: '+2048-2048' },
        ({ tree }) => tree.append('nullb0', 2048, SECTOR),
        'EIO',
        'badblocks: sector 2048 is bad',
      ],
    ];
    test.each(cases)('%s', async (_, attributes, work, errno, message) => {
      const it = await zoned(attributes);
      expect(await refusal(() => work(it))).toMatchObject({
        errno,
        message: `nullb0: ${message}`,
      });
    });
  });

  test('a request that is lost is ETIMEDOUT', async () => {
    const more = { memory_backed: '1', cache_size: '1' };
    const { tree, manage, device, pass, conditions } = await zoned(more);
    loseRequests(device());
    const all = Promise.all([
      refusal(() => tree.flush('nullb0')),
      refusal(() => manage('open', 2048)),
      refusal(() => tree.append('nullb0', 2048, SECTOR)),
    ]);
    pass(7);
    const messages = (await all).map(({ errno, message }) => `${errno} ${message}`);
    expect(messages).toEqual([
      'ETIMEDOUT nullb0: flush: timed out',
      'ETIMEDOUT nullb0: zone open at sector 2048: timed out',
      'ETIMEDOUT nullb0: zone append at sector 2048: timed out',
    ]);
    expect(conditions()?.[1]).toEqual([1, 2048]);
  });

  describe('an append is one request, and stays in its zone', () => {
    // The second is by a write at the write pointer: no append of the device's own.
    const kinds = ['8192', '0'];
    test.each(kinds)('zone_append_max_sectors=%s: longer than its zone', async (most) => {
      const { tree, conditions } = await zoned({ zone_append_max_sectors: most });
      const before = conditions();
      for (const zones of [1.5, 2, 3]) {
        const data = new Uint8Array(zones * 2048 * 512);
        expect(await errnoOf(() => tree.append('nullb0', 2048, data))).toMatch(/EIO|EINVAL/);
      }
      expect(conditions()).toEqual(before);
      expect(await tree.append('nullb0', 2048, new Uint8Array(2048 * 512))).toBe(2048);
      const full = await refusal(() => tree.append('nullb0', 2048, SECTOR));
      expect(full).toMatchObject({ errno: 'EIO', message: expect.stringMatching(/zone 1.*full/) });
      expect(conditions()?.map(([condition]) => condition)).toEqual([0, 14, 1, 1]);
    });

    test.each(kinds)('zone_append_max_sectors=%s: longer than what is left', async (most) => {
      const { tree, conditions } = await zoned({ zone_append_max_sectors: most });
      await tree.append('nullb0', 2048, new Uint8Array(2047 * 512));
      expect(await refusal(() => tree.append('nullb0', 2048, new Uint8Array(1024)))).toMatchObject({
        errno: 'EIO',
        message: 'nullb0: zone 1: append of 2 sectors at sector 4095 but its capacity ends at 4096',
      });
      expect(await tree.append('nullb0', 2048, SECTOR)).toBe(4095);
      expect(conditions()?.slice(0, 3)).toEqual([
        [0, 2048],
        [14, 4096],
        [1, 4096],
      ]);
    });

    test.each(kinds)('zone_append_max_sectors=%s: longer than a request', async (most) => {
      const more = { zone_append_max_sectors: most, max_sectors: '8' };
      const { tree, conditions } = await zoned(more);
      expect(await errnoOf(() => tree.append('nullb0', 2048, new Uint8Array(9 * 512)))).toBe(
        'EINVAL',
      );
      expect(conditions()?.[1]).toEqual([1, 2048]);
      expect(await tree.append('nullb0', 2048, new Uint8Array(8 * 512))).toBe(2048);
    });

    test.each(kinds)('zone_append_max_sectors=%s: not where nothing can be', async (most) => {
      const { tree, patch } = await zoned({ zone_append_max_sectors: most });
      await patch({ zone_readonly: '2048', zone_offline: '4096' });
      for (const sector of [0, 2048, 4096]) {
        expect(await errnoOf(() => tree.append('nullb0', sector, SECTOR))).toBe('EIO');
      }
    });

    test.each(kinds)('zone_append_max_sectors=%s: many wait behind one another', async (most) => {
      // Each takes longer than a tick's budget of bytes.
      const more = { zone_append_max_sectors: most, mbps: '1', hw_queue_depth: '2' };
      const { tree, pass } = await zoned(more);
      const data = new Uint8Array(64 * 512);
      const all = [0, 1, 2, 3, 4].map(() => tree.append('nullb0', 2048, data));
      let places: number[] | undefined;
      Promise.all(all).then((done) => {
        places = done;
      });
      for (let ticks = 0; places === undefined && ticks < 100; ticks++) {
        pass(0.02);
        await new Promise(setImmediate);
      }
      expect(places).toEqual([2048, 2112, 2176, 2240, 2304]);
    });
  });

  test('power off waits for what the control side has asked, and waits for a tag itself', async () => {
    for (const blocking of ['0', '1']) {
      const it = await zoned({ blocking, hw_queue_depth: '1', irqmode: '2' });
      const all = [it.manage('open', 2048), it.manage('open', 4096)];
      all.push(it.tree.append('nullb0', 6144, SECTOR).then(() => {}));
      let ended = 0;
      for (const one of all) one.then(() => ended++);
      const off = it.patch({ power: '0' });
      const endedBefore = off.then(() => ended);
      for (let n = 0; it.device().powered && n < 20; n++) {
        await new Promise(setImmediate);
        it.pass(0.001);
      }
      expect(await endedBefore).toBe(3);
    }
  });

  test('a long range gives others their turn', async () => {
    const it = await zoned({ size: '1000', zone_nr_conv: '0' });
    let done = false;
    it.tree.zoneOperation('nullb0', 'finish', 0, 1000 * 2048).then(() => {
      done = true;
    });
    let turns = 0;
    for (; !done; turns++) await new Promise(setImmediate);
    expect(turns).toBeGreaterThanOrEqual(15);
    expect(it.conditions()?.every(([condition]) => condition === 14)).toBe(true);
  });

  test('a long reset of all zones stops where force ends it', async () => {
    const it = await zoned({ size: '4000', zone_nr_conv: '0', memory_backed: '1' });
    await it.tree.zoneOperation('nullb0', 'finish', 0, 4000 * 2048);
    const { zones } = it.device();
    const full = () => zones?.report().filter(({ condition }) => condition === 14).length;
    const asked = errnoOf(() => it.tree.zoneOperation('nullb0', 'reset-all', 0, undefined));
    expect(full()).toBeGreaterThan(0);
    expect(full()).toBeLessThan(4000);
    await it.tree.patch('nullb0', new Map([['power', '0']]), true);
    expect(await asked).toBe('ENODEV');
    for (let turns = 0; turns < 100; turns++) await new Promise(setImmediate);
    expect(it.device().powered).toBe(false);
    expect(full()).toBeGreaterThan(0);
  });

  test('a reset of a zone in the cache is at once, and its memory is given back in turns', async () => {
    const allocator = new CountingAllocator();
    const sizes = { size: '256', zone_size: '128', zone_nr_conv: '0', cache_size: '200' };
    const it = await zoned({ ...sizes, memory_backed: '1' }, allocator);
    for (let n = 0; n < 32; n++) expect(it.io('write', n * 8192, 8192)).toBe('OK');
    expect(it.tree.stats('nullb0').cache?.usedBytes).toBe(128 << 20);
    const reset = it.manage('reset', 0);
    expect(it.tree.stats('nullb0').cache?.usedBytes).toBe(0);
    const held = allocator.live.size;
    expect(held).toBeGreaterThanOrEqual(1000);
    await reset;
    let turns = 0;
    // 16 MiB are kept for the next writes.
    for (; allocator.live.size > 128 && turns < 1000; turns++) await new Promise(setImmediate);
    expect(turns).toBeLessThan(1000);
  });

  test('no memory is ENOSPC', async () => {
    const allocator = new CountingAllocator();
    const { tree } = await zoned({ memory_backed: '1' }, allocator);
    allocator.failAt = allocator.takes + 1;
    expect(await errnoOf(() => tree.append('nullb0', 2048, SECTOR))).toBe('ENOSPC');
  });

  test('powered off is ENODEV, not zoned EOPNOTSUPP', async () => {
    const { tree, device, patch } = world();
    device();
    const works = [
      () => tree.zones('nullb0'),
      () => tree.zoneOperation('nullb0', 'open', 0, undefined),
      () => tree.zoneOperation('nullb0', 'reset-all', 0, undefined),
      () => tree.append('nullb0', 0, SECTOR),
    ];
    for (const work of [...works, () => tree.flush('nullb0')]) {
      expect(await refusal(work)).toMatchObject({
        errno: 'ENODEV',
        message: 'nullb0: power is 0',
      });
    }
    await patch({ power: '1' });
    for (const work of works) {
      expect(await refusal(work)).toMatchObject({
        errno: 'EOPNOTSUPP',
        message: 'nullb0: the device is not zoned',
      });
    }
    await tree.flush('nullb0');
  });

  test('flush empties the cache, and power off loses what was not flushed', async () => {
    const { tree, device, patch, io } = world();
    device();
    await patch({ size: '4', memory_backed: '1', cache_size: '1', power: '1' });
    const used = () => tree.stats('nullb0').cache?.usedBytes;
    expect(io('write', 0, 8)).toBe('OK');
    expect(used()).toBe(4096);
    await tree.flush('nullb0');
    expect(used()).toBe(0);
    io('write', 8, 8);
    await patch({ power: '0' });
    expect(tree.stats('nullb0').memory.heldBytes).toBe(4096);
  });
});
