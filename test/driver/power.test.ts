/** What power off ends, what it loses and what survives it; indices; what rmdir frees. driver.md
 *  section 1 (power, index), 4 (cache), 6 (zones anew). rnull-series 31, 13, 79. */

import { describe, expect, test } from 'vitest';
import { Command, RequestFlag } from '../../src/block/command.ts';
import { Status } from '../../src/block/status.ts';
import type { NullDevice } from '../../src/driver/null-device.ts';
import { World } from '../block/world.ts';
import { options } from '../config/words.ts';
import { CountingAllocator } from '../pages/counting-allocator.ts';
import { bytesAt, command, diskOf, read, wholeDevice, wholeDevices, write } from './whole.ts';
import { writeBadBlocks } from './write-bad-blocks.ts';

const MEMORY = ['size=4', 'memory_backed=1'];

/** Off and on again, with `words`, and with `between` while it is on for a moment. */
async function cycle(device: NullDevice, words: readonly string[]): Promise<void> {
  await device.powerOff();
  device.powerOn(options(...words));
}

describe('power off with requests in flight', () => {
  test.each([
    ['timers', ['irqmode=2', 'completion_nsec=1000000']],
    ['the throttle', ['mbps=1', 'irqmode=0']],
    ['a requeue', ['requeue=1,100,0,-1']],
  ])('ends when they have ended: %s', async (_, words) => {
    const world = new World();
    const { device, disk } = wholeDevice(world, [...MEMORY, ...words]);
    const ios = Array.from({ length: 20 }, (_, n) => write(n * 8, 8, n + 1).submit(disk));
    let off = false;
    const leaving = device.powerOff().then(() => {
      off = true;
    });
    await Promise.resolve();
    expect([off, device.powered]).toEqual([false, true]);
    for (let time = 0; time < 10; time++) world.pass(1e6);
    await leaving;
    expect([off, device.powered, device.disk]).toEqual([true, false, undefined]);
    expect(ios.map(({ ends, status }) => [ends, status])).toEqual(ios.map(() => [1, Status.OK]));
    device.faults.requeue.set({ times: 0n });
    device.powerOn(options(...MEMORY));
    expect(bytesAt(diskOf(device), 19 * 8)).toEqual([20]);
  });

  test('waits for a faked timeout until its timeout has ended it', async () => {
    const world = new World();
    const { device, disk } = wholeDevice(world, [...MEMORY, 'timeout=1,100,0,1']);
    const one = write(0, 8, 1).submit(disk);
    const leaving = device.powerOff();
    for (let second = 0; second < 7; second++) world.pass(1e9);
    await leaving;
    expect(one).toMatchObject({ ends: 1, status: Status.TIMEOUT });
    expect(world.timers.count).toBe(0);
  });

  test('lets the clients leave first', async () => {
    const steps: string[] = [];
    let left = (): void => {};
    const removed = () => {
      steps.push('shown no more');
      return new Promise<void>((resolve) => {
        left = resolve;
      });
    };
    const { device } = wholeDevice(new World(), MEMORY, { removed });
    const leaving = device.powerOff().then(() => steps.push('off'));
    await Promise.resolve();
    expect([steps, device.powered]).toEqual([['shown no more'], true]);
    left();
    await leaving;
    expect(steps).toEqual(['shown no more', 'off']);
  });

  test('takes no more requests of the control side', async () => {
    const world = new World();
    const { device, disk } = wholeDevice(world, [...MEMORY, 'irqmode=2', 'cache_size=1']);
    write(0, 8, 1).submit(disk);
    const leaving = device.powerOff();
    expect((await device.flush()).status).toBe(Status.OFFLINE);
    world.pass(1e6);
    await leaving;
  });
});

describe('power off', () => {
  test('keeps the data, also over a power on with a smaller size or without memory', async () => {
    const { device, disk } = wholeDevice(new World(), MEMORY);
    write(0, 1, 1).submit(disk);
    write(8191, 1, 2).submit(disk);
    await cycle(device, ['size=1', 'memory_backed=1']);
    expect(diskOf(device).capacity).toBe(2048);
    expect(bytesAt(diskOf(device), 0)).toEqual([1]);
    await cycle(device, ['size=4', 'memory_backed=0']);
    expect(bytesAt(diskOf(device), 0)).toEqual([0]);
    write(0, 1, 9).submit(diskOf(device));
    await cycle(device, MEMORY);
    expect([bytesAt(diskOf(device), 0), bytesAt(diskOf(device), 8191)]).toEqual([[1], [2]]);
  });

  test('keeps bad blocks and the settings of faults', async () => {
    const { device } = wholeDevice(new World(), MEMORY);
    writeBadBlocks(device.badBlocks, '+8-15');
    device.faults.requeue.set({ space: 5n });
    await cycle(device, MEMORY);
    expect(read(8, 8).submit(diskOf(device)).status).toBe(Status.IOERR);
    expect(device.faults.requeue.get('space')).toBe('5\n');
  });

  test('loses what was written to the cache and not flushed, and that alone', async () => {
    const words = [...MEMORY, 'cache_size=1', 'discard=1'];
    const { device, disk } = wholeDevice(new World(), words);
    write(0, 8, 1).submit(disk);
    write(8, 8, 2).submit(disk);
    expect((await device.flush()).status).toBe(Status.OK);
    write(0, 8, 3).submit(disk); // over flushed data
    write(16, 8, 4).submit(disk);
    write(24, 8, 5, RequestFlag.FUA).submit(disk);
    write(32, 8, 6).submit(disk);
    command(Command.DISCARD, 8, 8).submit(disk);
    expect([0, 8, 16, 24, 32].map((at) => bytesAt(disk, at)[0])).toEqual([3, 0, 4, 5, 6]);
    await cycle(device, words);
    expect([0, 8, 16, 24, 32].map((at) => bytesAt(diskOf(device), at)[0])).toEqual([1, 0, 0, 5, 0]);
  });

  test('gives the memory of the cache back', async () => {
    const allocator = new CountingAllocator();
    const words = [...MEMORY, 'cache_size=4'];
    const { device, disk } = wholeDevice(new World(), words, { allocator });
    for (let at = 0; at < 4; at++) write(at * 256, 256, 7).submit(disk);
    expect(device.stats().cache?.usedBytes).toBe(4 * 131_072);
    const held = allocator.live.size;
    await device.powerOff();
    expect(held).toBeGreaterThan(allocator.live.size);
    expect(device.stats().memory.heldBytes).toBe(0);
  });

  test('forgets all conditions of zones: they start anew, and old data lies behind them', async () => {
    const words = [...MEMORY, 'zoned=1', 'zone_size=1'];
    const { device, disk } = wholeDevice(new World(), words);
    expect(write(0, 8, 1).submit(disk).status).toBe(Status.OK);
    await device.zoneManagement('open', 2048);
    await device.zoneManagement('finish', 4096);
    device.setZoneCondition(6144, 'offline');
    const conditions = () => [0, 1, 2, 3].map((zone) => device.zones?.info(zone).condition);
    expect(conditions()).toEqual([2, 3, 14, 15]);
    await cycle(device, words);
    expect(conditions()).toEqual([1, 1, 1, 1]);
    expect([device.zones?.openCount, device.zones?.activeCount]).toEqual([0, 0]);
    expect(bytesAt(diskOf(device), 0)).toEqual([0xff]);
    await device.zoneManagement('finish', 0);
    expect(bytesAt(diskOf(device), 0, 9)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0]);
  });

  test('twice does nothing more, and on again is refused while it is on', async () => {
    const { device } = wholeDevice(new World(), MEMORY);
    expect(() => device.powerOn(options(...MEMORY))).toThrow('power is 1 already');
    await Promise.all([device.powerOff(), device.powerOff()]);
    await device.powerOff();
    expect(device.powered).toBe(false);
  });
});

test('rmdir of a powered device lets requests end, frees the data and the name', async () => {
  const allocator = new CountingAllocator();
  const world = new World();
  const words = [...MEMORY, 'irqmode=2', 'completion_nsec=1000', 'cache_size=1'];
  const { device, devices, disk } = wholeDevice(world, words, { allocator });
  const one = write(0, 1024, 1, RequestFlag.FUA).submit(disk);
  world.pass(1000);
  const late = write(1024, 256, 2).submit(disk);
  expect(device.stats().memory.heldBytes).toBe(1024 * 512);
  const gone = devices.remove('nullb0');
  await Promise.resolve();
  world.pass(1000);
  await gone;
  expect([one.ends, late.ends, devices.get('nullb0')]).toEqual([1, 1, undefined]);
  expect(allocator.live.size).toBe(0);
  await expect(devices.remove('nullb0')).rejects.toThrow('nullb0: no such device');
  const again = devices.create('nullb0');
  again.powerOn(options(...MEMORY));
  expect(bytesAt(diskOf(again), 0)).toEqual([0]);
});

test('index is the lowest number that no powered device has, whatever the name', async () => {
  const devices = wholeDevices(new World(), MEMORY);
  const [a, b, c] = [devices.create('nullb7'), devices.create('b'), devices.create('c')];
  expect([a.index, b.index, c.index]).toEqual([0, 0, 0]);
  for (const device of [a, b, c]) device.powerOn(options(...MEMORY));
  expect([a.index, b.index, c.index]).toEqual([0, 1, 2]);
  await b.powerOff();
  const d = devices.create('nullb0');
  d.powerOn(options(...MEMORY));
  expect(d.index).toBe(1);
  await a.powerOff();
  await c.powerOff();
  b.powerOn(options(...MEMORY));
  c.powerOn(options(...MEMORY));
  expect([b.index, d.index, c.index]).toEqual([0, 1, 2]);
});

test('power on that fails leaves nothing behind, and may be tried again', () => {
  const allocator = new CountingAllocator();
  const devices = wholeDevices(new World(), MEMORY, { allocator });
  const device = devices.create('nullb0');
  device.faults.init_hctx.set({ probability: 100n });
  device.faults.init_hctx.set({ times: 2n });
  for (let time = 0; time < 2; time++) {
    expect(() => device.powerOn(options(...MEMORY))).toThrow(/hardware queue 0 could not be built/);
    expect([device.powered, device.disk, device.index]).toEqual([false, undefined, 0]);
  }
  device.powerOn(options(...MEMORY));
  expect(write(0, 8, 1).submit(diskOf(device)).ends).toBe(1);
});
