/** The tree over devices that are none: control.md section 2, driver.md section 1. */

import { describe, expect, test } from 'vitest';
import { Status } from '../../src/block/status.ts';
import { featuresText } from '../../src/config/attributes.ts';
import { type Errno, ErrnoError } from '../../src/config/errors.ts';
import { rows } from '../../src/config/parameters.ts';
import { attributeNames, readableNames } from '../../src/control/attribute-names.ts';
import { world } from './fake-devices.ts';

/** The refusal of `work`. */
async function refusal(work: () => unknown): Promise<ErrnoError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ErrnoError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

const texts = (values: Readonly<Record<string, string>>) => new Map(Object.entries(values));
const none = new Map<string, string>();

describe('names', () => {
  test('every attribute of the table is a file, and the three fault groups are folders', () => {
    const wanted = [...rows].filter(([, row]) => row.where !== 'P');
    const names = wanted.map(([name, row]) => row.attribute ?? name);
    const numbers = ['interval', 'probability', 'space', 'times'];
    const groups = ['timeout_inject', 'requeue_inject', 'init_hctx_fault_inject'];
    const inGroups = groups.flatMap((group) => numbers.map((number) => `${group}/${number}`));
    const all = [...names.filter((name) => name !== 'features'), ...inGroups];
    expect(attributeNames).toEqual(all.sort());
  });

  test('features lists the attributes in order, without the fault groups, on one line', () => {
    expect(featuresText).toMatch(/^badblocks,badblocks_once,.*,zoned\n$/);
    expect(featuresText).not.toMatch(/inject|features/);
    expect(featuresText).toMatch(/,index,.*,power,.*,zone_offline,zone_readonly,/);
  });

  test.each(['', '.', '..', 'a/b', '/', 'a\0'])('%j is no name', async (name) => {
    expect((await refusal(() => world().tree.create(name, none))).errno).toBe('EINVAL');
  });

  test('a name is cut to 31 characters, wherever it is said', async () => {
    const { tree, devices } = world();
    const long = 'x'.repeat(40);
    expect(await tree.create(long, none)).toMatchObject({ name: 'x'.repeat(31) });
    expect(tree.object(long)).toMatchObject({ name: 'x'.repeat(31) });
    const clash = await refusal(() => tree.create(`${'x'.repeat(31)}yz`, none));
    expect(clash.errno).toBe('EEXIST');
    await tree.remove(long);
    expect([...devices]).toEqual([]);
    expect(await tree.create('\u{1f4be}'.repeat(40), none)).toMatchObject({
      name: '\u{1f4be}'.repeat(31),
    });
  });

  test('a clash with a device made at start is EEXIST', async () => {
    const { tree, device } = world();
    device('nullb0').powered = true;
    const clash = await refusal(() => tree.create('nullb0', none));
    expect(clash).toMatchObject({
      errno: 'EEXIST',
      message: "a device 'nullb0' exists already",
    });
  });

  test.each(['object', 'remove', 'stats', 'requests', 'flush', 'zones'] as const)(
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
    const object = await tree.create('a', none);
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
    badBlocks.write('+5-7');
    expect(tree.text('nullb0', 'badblocks')).toBe('5 3\n');
    expect(tree.text('nullb0', 'home_node')).toBe('4294967295\n');
    expect(tree.text('nullb0', 'requeue_inject')).toBe('1,0,0,1\n');
    expect(tree.text('nullb0', 'requeue_inject/times')).toBe('1\n');
    await patch({ power: '1' });
    expect(tree.text('nullb0', 'power')).toBe('1\n');
    expect(tree.text('nullb0', 'index')).toBe('7\n');
  });

  test.each(['zone_readonly', 'zone_offline'])('%s can only be written: EACCES', async (name) => {
    const { tree, device } = world();
    device();
    const wrong = await refusal(() => tree.text('nullb0', name));
    expect(wrong).toMatchObject({ errno: 'EACCES', attribute: name });
  });
});

describe('power', () => {
  test('create with attributes sets them first and powers last', async () => {
    const { tree, devices } = world();
    const object = await tree.create('a', texts({ power: '1', size: '16', memory_backed: '1' }));
    expect(object).toMatchObject({ power: 1, size: 16, memory_backed: 1, index: 7 });
    expect(devices.get('a')?.calls).toEqual(['powerOn']);
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
    expect(notices).toEqual(['nullb0: submit_queues becomes 4']);
    await patch({ power: '0' });
    expect(tree.text('nullb0', 'submit_queues')).toBe('4\n');
  });

  test('a power on that fails takes everything back', async () => {
    const { tree, device, patch } = world();
    const fake = device();
    await patch({ badblocks: '+1-2' });
    const before = tree.object('nullb0');
    fake.failPowerOn = new ErrnoError('ENOMEM', 'init_hctx failed');
    const values = { size: '8', 'timeout_inject/times': '-1', timeout_inject: '1,2,3,4' };
    const wrong = await refusal(() => patch({ ...values, badblocks: '-1-2\n+9-9', power: '1' }));
    expect(wrong).toMatchObject({ errno: 'ENOMEM', message: 'nullb0: init_hctx failed' });
    expect(tree.object('nullb0')).toEqual(before);
    const refused = await refusal(() =>
      patch({ submit_queues: '9', blocksize: '8192', power: '1' }),
    );
    expect(refused).toMatchObject({ errno: 'EINVAL', attribute: 'blocksize' });
    expect(tree.object('nullb0')).toEqual(before);
  });

  test('the same value again does nothing', async () => {
    const { device, patch } = world();
    const fake = device();
    await patch({ power: '0' });
    await patch({ power: '1' });
    await patch({ power: 'on\n' });
    expect(fake.calls).toEqual(['powerOn']);
  });

  test('it is a boolean', async () => {
    const { device, patch } = world();
    device();
    for (const power of ['2', '', 'yes', '1\n\n', ' 1']) {
      expect(await refusal(() => patch({ power }))).toMatchObject({
        errno: 'EINVAL',
        attribute: 'power',
      });
    }
    await patch({ power: 'T' });
    await patch({ power: 'off' });
  });

  test('what is asked while power goes off waits until it is off', async () => {
    const { tree, device, patch } = world();
    const fake = device();
    await patch({ power: '1' });
    let end = (): void => {};
    fake.inFlight = new Promise((resolve) => {
      end = resolve;
    });
    const order: string[] = [];
    const off = patch({ power: '0' }).then(() => order.push('off'));
    // Refused if it were tried now.
    const size = patch({ size: '8' }).then(() => order.push('size'));
    const gone = tree.remove('nullb0').then(() => order.push('gone'));
    const late = refusal(() => patch({ size: '9' }));
    await new Promise(setImmediate);
    expect(order).toEqual([]);
    expect(tree.text('nullb0', 'power')).toBe('1\n');
    end();
    await Promise.all([off, size, gone]);
    expect(order).toEqual(['off', 'size', 'gone']);
    expect((await late).errno).toBe('ENOENT');
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
    device().badBlocks.write('+100-200');
    const before = tree.object('nullb0');
    const error = await refusal(() => patch(values));
    expect(error).toMatchObject({ errno, attribute });
    expect(error.message).toMatch(/^nullb0: /);
    expect(tree.object('nullb0')).toEqual(before);
  });

  test('while powered what is for off is EBUSY, after the value was parsed', async () => {
    const { tree, device, patch } = world();
    device();
    await patch({ power: '1' });
    const before = tree.object('nullb0');
    const busy = await refusal(() => patch({ badblocks: '+1-2', size: '8', power: '0' }));
    expect(busy).toMatchObject({
      errno: 'EBUSY',
      attribute: 'size',
      message: 'nullb0: size can only be set while power is 0',
    });
    expect((await refusal(() => patch({ index: '3' }))).errno).toBe('EBUSY');
    expect((await refusal(() => patch({ index: 'x' }))).errno).toBe('EINVAL');
    expect((await refusal(() => patch({ size: 'x' }))).errno).toBe('EINVAL');
    expect(tree.object('nullb0')).toEqual(before);
  });
});

describe('live attributes', () => {
  test('index may be written while off, without effect', async () => {
    const { tree, device, patch } = world();
    device();
    await patch({ index: '3' });
    expect(tree.text('nullb0', 'index')).toBe('0\n');
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
    expect(tree.object('nullb0')).toMatchObject({
      timeout_inject: '2,50,3,-1',
      'timeout_inject/times': -1,
      requeue_inject: '1,0,0,1',
    });
  });

  test('queue numbers of a powered device change it, both at once', async () => {
    const { tree, device, patch } = world();
    const fake = device();
    await patch({ submit_queues: '2' });
    await patch({ power: '1' });
    await patch({ submit_queues: '3', poll_queues: '1' });
    await patch({ poll_queues: '2' });
    await patch({ poll_queues: '2', submit_queues: '3' });
    expect(fake.calls).toEqual(['powerOn', 'setQueues 3 1', 'setQueues 3 2']);
    expect(tree.object('nullb0')).toMatchObject({ submit_queues: 3, poll_queues: 2 });
  });

  test('queue numbers that the device refuses are not stored', async () => {
    const { tree, device, patch } = world();
    device();
    await patch({ power: '1' });
    const wrong = await refusal(() => patch({ badblocks: '+1-2', submit_queues: '0' }));
    expect(wrong).toMatchObject({ errno: 'EINVAL', attribute: 'submit_queues' });
    expect(tree.object('nullb0')).toMatchObject({ submit_queues: 1, badblocks: '' });
  });

  test('a zone is made read-only or offline by any sector in it, and only where it can be', async () => {
    const { device, patch } = world();
    const fake = device();
    await patch({ zoned: '1', size: '4', power: '1' });
    await patch({ zone_readonly: '2049', zone_offline: '0x1000\n' });
    expect(fake.calls).toEqual(['powerOn', 'read-only 2049', 'offline 4096']);
    for (const sector of ['0', '2047', '8192', '18446744073709551615', 'x', '', '-1']) {
      expect((await refusal(() => patch({ zone_offline: sector }))).errno).toBe('EINVAL');
    }
    const large = await refusal(() => patch({ zone_offline: '18446744073709551616' }));
    expect(large.errno).toBe('ERANGE');
    expect((await refusal(() => patch({ zone_readonly: '2048', zone_offline: '0' }))).errno).toBe(
      'EINVAL',
    );
    expect(fake.calls).toHaveLength(3);
    await patch({ power: '0' });
    await patch({ zoned: '0', power: '1' });
    expect((await refusal(() => patch({ zone_offline: '2048' }))).message).toContain('not zoned');
  });
});

describe('zones and flush', () => {
  async function zoned() {
    const it = world();
    const fake = it.device();
    await it.patch({ zoned: '1', size: '4', power: '1' });
    fake.calls.length = 0;
    return { ...it, fake };
  }

  test('an operation is for one zone, or for whole zones', async () => {
    const { tree, fake } = await zoned();
    await tree.zoneOperation('nullb0', 'open', 2048, undefined);
    await tree.zoneOperation('nullb0', 'reset', 2048, 6144);
    await tree.zoneOperation('nullb0', 'reset-all', 0, undefined);
    await tree.flush('nullb0');
    expect(await tree.append('nullb0', 2048, new Uint8Array(1024))).toBe(2056);
    expect(fake.calls).toEqual([
      'open 2048 2048',
      'reset 2048 6144',
      'reset-all 0 8192',
      'flush',
      'append 2048 1024',
    ]);
  });

  test.each([
    [1, undefined],
    [2049, 2048],
    [2048, 1],
    [2048, 0],
    [2048, 8192],
    [8192, undefined],
    [2 ** 53, undefined],
  ])('from %s for %s sectors are no whole zones: EINVAL', async (sector, sectors) => {
    const { tree, fake } = await zoned();
    const wrong = await refusal(() => tree.zoneOperation('nullb0', 'reset', sector, sectors));
    expect(wrong.errno).toBe('EINVAL');
    expect(fake.calls).toEqual([]);
  });

  test('an append is whole sectors', async () => {
    const { tree } = await zoned();
    for (const length of [0, 1, 513]) {
      const wrong = await refusal(() => tree.append('nullb0', 2048, new Uint8Array(length)));
      expect(wrong.errno).toBe('EINVAL');
    }
  });

  test.each([
    [Status.IOERR, 'EIO'],
    [Status.ZONE_OPEN_RESOURCE, 'ETOOMANYREFS'],
    [Status.ZONE_ACTIVE_RESOURCE, 'EOVERFLOW'],
    [Status.OFFLINE, 'ENODEV'],
    [Status.NOSPC, 'ENOSPC'],
    [Status.TIMEOUT, 'ETIMEDOUT'],
    [Status.NOTSUPP, 'EOPNOTSUPP'],
    [Status.INVAL, 'EINVAL'],
    [Status.RESOURCE, 'EIO'],
  ] as const)('status %s is told as %s', async (status, errno) => {
    const { tree, fake } = await zoned();
    fake.status = status;
    const works = [
      () => tree.flush('nullb0'),
      () => tree.zoneOperation('nullb0', 'close', 2048, undefined),
      () => tree.append('nullb0', 2048, new Uint8Array(512)),
    ];
    for (const work of works) expect((await refusal(work)).errno).toBe(errno);
  });

  test('powered off is ENODEV, not zoned EOPNOTSUPP', async () => {
    const { tree, device, patch } = world();
    device();
    expect((await refusal(() => tree.flush('nullb0'))).errno).toBe('ENODEV');
    expect((await refusal(() => tree.zones('nullb0'))).errno).toBe('ENODEV');
    await patch({ power: '1' });
    expect((await refusal(() => tree.zones('nullb0'))).errno).toBe('EOPNOTSUPP');
    await tree.flush('nullb0');
  });
});

test('the data path has its turn after each operation is given, and after it has ended', async () => {
  const { tree, device, patch, turns } = world();
  device();
  await patch({ power: '1' });
  const before = turns();
  const flushed = tree.flush('nullb0');
  expect(turns()).toBe(before + 1);
  await flushed;
  expect(turns()).toBe(before + 2);
  await tree.remove('nullb0');
  expect(turns()).toBe(before + 4);
});
