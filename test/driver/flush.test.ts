/** FLUSH on a whole device with a write cache. */

import { describe, expect, test } from 'vitest';
import { Command } from '../../src/block/command.ts';
import { Status } from '../../src/block/status.ts';
import { read, TestBio, World } from '../block/world.ts';
import { poweredDevice } from './powered.ts';

const MIB_SECTORS = 2048;

function cached() {
  const world = new World();
  const words = ['memory_backed=1', 'size=64', 'cache_size=32'];
  const { device, disk } = poweredDevice(world, words);
  const hctx = disk.queue.hctx(0);
  const submit = (one: TestBio): TestBio => {
    hctx.submit(one.bio);
    hctx.unplug();
    return one;
  };
  /** In two requests. */
  const write = (mib: number): void => {
    for (const at of [mib * MIB_SECTORS, (mib + 0.5) * MIB_SECTORS]) {
      const data = new Uint8Array(MIB_SECTORS * 256).fill(mib);
      submit(new TestBio(Command.WRITE, at, MIB_SECTORS / 2, data));
    }
  };
  const flush = (): TestBio => submit(new TestBio(Command.FLUSH, 0, 0));
  return { world, device, submit, write, flush };
}

describe('a flush', () => {
  test('of little is done at once', () => {
    const { submit, flush, device } = cached();
    submit(new TestBio(Command.WRITE, 0, 8, new Uint8Array(4096)));
    expect(flush()).toMatchObject({ ends: 1, status: Status.OK });
    expect(device.stats()).toMatchObject({
      cache: { usedBytes: 0 },
      memory: { heldBytes: 4096 },
    });
  });

  test('of much lets others have their turn', () => {
    const { world, write, flush, submit, device } = cached();
    for (let mib = 0; mib < 30; mib++) write(mib);
    const one = flush();
    expect(one.ends).toBe(0);
    expect(submit(read()).views).toBe(1); // it is answered with pages
    world.deferred.run();
    expect(one.ends).toBe(0);
    // 1 MiB a turn at most, whatever the clock says.
    const moved = 30 * 1024 * 1024 - (device.stats().cache?.usedBytes ?? 0);
    expect(moved).toBeLessThanOrEqual(2 * 1024 * 1024);
    world.settle();
    expect(one).toMatchObject({ ends: 1, status: Status.OK });
    expect(device.stats().cache).toMatchObject({ usedBytes: 0 });
  });

  test('ends, though the cache is written to all the time', () => {
    const { world, write, flush } = cached();
    for (let mib = 0; mib < 30; mib++) write(mib);
    const one = flush();
    for (let turn = 0; turn < 60 && one.ends === 0; turn++) {
      write(turn % 30);
      world.deferred.run();
    }
    expect(one).toMatchObject({ ends: 1, status: Status.OK });
  });

  test('that is under way when power goes off is finished first', async () => {
    const { world, write, flush, device } = cached();
    for (let mib = 0; mib < 30; mib++) write(mib);
    const one = flush();
    const off = device.powerOff();
    await Promise.resolve();
    world.settle();
    await off;
    expect(one.ends).toBe(1);
    expect(device.stats().memory.heldBytes).toBe(30 * 1024 * 1024);
  });
});
