/** A queue that is given up: requests that the driver does not have end at once, and so do new ones. */

import { expect, test } from 'vitest';
import { Command } from '../../src/block/command.ts';
import type { DriverData } from '../../src/block/driver-data.ts';
import type { HwQueue } from '../../src/block/hw-queue.ts';
import type { Operations } from '../../src/block/operations.ts';
import type { IdleRequest, Owned } from '../../src/block/owned.ts';
import { Status } from '../../src/block/status.ts';
import { atOnce, type Work } from '../../src/time/slicer.ts';
import { type DiskOptions, makeDisk, read, TestBio, World } from './world.ts';

/** Keeps its requests, and gives them up on command; takes no more than there is room for. */
class Keeper implements Operations<DriverData> {
  owned: Owned<DriverData>[] = [];
  room = Number.POSITIVE_INFINITY;
  makeRequestData(): undefined {}
  queueRq(request: IdleRequest<DriverData>): Status {
    if (this.room === 0) return Status.DEV_RESOURCE;
    this.room--;
    this.owned.push(request.start());
    return Status.OK;
  }
  *giveUp(_: HwQueue<DriverData>, status: Status): Work {
    for (let one = this.owned.pop(); one !== undefined; one = this.owned.pop()) {
      one.end(status);
      yield;
    }
  }
}

function kept(options: DiskOptions = {}) {
  const world = new World();
  const driver = new Keeper();
  const { disk, hctx } = makeDisk<DriverData>(world, driver, options);
  const give = (...bios: TestBio[]): void => {
    for (const { bio } of bios) hctx.submit(bio);
    hctx.unplug();
  };
  return { world, driver, hctx, queue: disk.queue, give };
}

function outcomes(bios: readonly TestBio[]): (readonly [number, Status])[] {
  return bios.map(({ ends, status }) => [ends, status]);
}
const failed = [1, Status.OFFLINE];

test('what is held back, stopped or plugged ends, and what the driver has', async () => {
  const { driver, hctx, queue, give, world } = kept({ depth: 8 });
  driver.room = 1;
  const bios = [read(0), read(1), read(2), read(3)];
  give(...bios.slice(0, 2)); // one is taken, one refused
  queue.stopHwQueues();
  give(...bios.slice(2, 3));
  for (const { bio } of bios.slice(3)) hctx.submit(bio);
  atOnce(queue.giveUp(Status.OFFLINE));
  expect(outcomes(bios)).toEqual(bios.map(() => failed));
  expect(queue.busy).toBe(false);
  await queue.whenIdle();
  world.pass(1e9);
  expect(outcomes(bios)).toEqual(bios.map(() => failed));
});

test('what comes afterwards ends, too, whoever starts the queues again', () => {
  const { driver, queue, give, world } = kept();
  atOnce(queue.giveUp(Status.OFFLINE));
  queue.startHwQueues();
  world.settle();
  const bios = [read(0), read(1), new TestBio(Command.WRITE_ZEROES, 0, 100_000)];
  give(...bios);
  world.settle();
  expect(outcomes(bios)).toEqual(bios.map(() => failed));
  expect([driver.owned.length, queue.busy]).toEqual([0, false]);
});

test('slices end with the one that is under way, and no other begins', () => {
  const { driver, queue, give, world } = kept({
    depth: 1,
    limits: { sliceSectors: 8, freeHoles: false },
  });
  const long = new TestBio(Command.WRITE_ZEROES, 0, 64);
  give(long);
  atOnce(queue.giveUp(Status.OFFLINE));
  world.settle();
  expect(outcomes([long])).toEqual([failed]);
  expect([driver.owned.length, queue.busy]).toEqual([0, false]);
});

test('nobody needs a tag any more: who waits for one is called, and a bio ends without one', () => {
  const { hctx, queue, world } = kept({ depth: 1 });
  const tag = hctx.pool.take(); // another device has it, on shared tags
  const bios = [read(0), read(1), new TestBio(Command.FLUSH, 0, 0)];
  const waiters = bios.map(({ bio }) => {
    const waiter = { waiting: false, waitingSince: 0, waitsToRead: true, tagsFree };
    function tagsFree(): void {
      if (!hctx.submit(bio)) hctx.pool.wait(waiter);
    }
    tagsFree();
    return waiter;
  });
  expect(waiters.every(({ waiting }) => waiting)).toBe(true);
  atOnce(queue.giveUp(Status.OFFLINE));
  world.settle();
  expect(outcomes(bios)).toEqual(bios.map(() => failed));
  expect(hctx.pool.inUse).toBe(1);
  if (tag !== undefined) hctx.pool.give(tag);
});

test('a request whose handler refuses it meanwhile ends as well', async () => {
  const world = new World();
  let answer = (_: Status): void => {};
  const driver: Operations<DriverData> = {
    makeRequestData: () => undefined,
    queueRq: () => Status.OK,
    queueRqBlocking: () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  };
  const { disk, hctx } = makeDisk<DriverData>(world, driver, { blocking: true });
  const bios = [read(0), read(1)];
  for (const { bio } of bios) hctx.submit(bio);
  hctx.unplug();
  atOnce(disk.queue.giveUp(Status.OFFLINE));
  expect(outcomes(bios)).toEqual([[0, Status.OK], failed]);
  answer(Status.DEV_RESOURCE);
  await disk.queue.whenIdle();
  expect(outcomes(bios)).toEqual([failed, failed]);
});

test('thousands end in pieces of a few, and what comes in between ends at once', () => {
  const { driver, queue, give } = kept({ depth: 1000 });
  driver.room = 500;
  const bios = Array.from({ length: 1000 }, (_, n) => read(n));
  give(...bios);
  const count = (): number => bios.filter(({ ends }) => ends > 0).length;
  let pieces = 0;
  let [most, before] = [0, 0];
  for (const work = queue.giveUp(Status.OFFLINE); work.next().done !== true; pieces++) {
    most = Math.max(most, count() - before);
    before = count();
    const late = read(pieces);
    give(late);
    expect(outcomes([late])).toEqual([failed]);
  }
  expect(most).toBeLessThanOrEqual(8);
  expect(pieces).toBeGreaterThanOrEqual(500 + 62);
  expect(outcomes(bios)).toEqual(bios.map(() => failed));
  expect(queue.busy).toBe(false);
});
