import { describe, expect, test } from 'vitest';
import { Command, RequestFlag } from '../../src/block/command.ts';
import type { DriverData } from '../../src/block/driver-data.ts';
import type { HwQueue } from '../../src/block/hw-queue.ts';
import type { Operations } from '../../src/block/operations.ts';
import type { IdleRequest, Owned } from '../../src/block/owned.ts';
import { HctxError } from '../../src/block/request-queue.ts';
import { Status } from '../../src/block/status.ts';
import { TagSet } from '../../src/block/tag-set.ts';
import { bug } from '../../src/units.ts';
import { type DiskOptions, defaults, makeDisk, read, TestBio, World } from './world.ts';

interface Polls extends DriverData {
  readonly hctx: Owned<Polls>[];
}

/** Keeps requests until the test ends them; on a polled queue, until it is polled. */
class Keeper implements Operations<Polls> {
  readonly owned: Owned<Polls>[] = [];
  readonly log: string[] = [];
  failInit = -1;
  refuse = false;
  inline = false;
  makeRequestData(): undefined {}
  makeHctxData(): Owned<Polls>[] {
    return [];
  }
  queueRq(request: IdleRequest<Polls>): Status {
    if (this.refuse) return Status.DEV_RESOURCE;
    this.log.push(`${request.queueIndex()}:${request.sector()}`);
    const owned = request.start();
    if (this.inline) owned.endOk();
    else if ((owned.flags() & RequestFlag.POLLED) !== 0) {
      owned.hctx().data.push(owned);
      owned.hctx().pollSoon();
    } else this.owned.push(owned);
    return Status.OK;
  }
  poll(hctx: HwQueue<Polls>): number {
    const batch = hctx.data.splice(0);
    for (const one of batch) one.endOk();
    return batch.length;
  }
  initHctx(hctx: HwQueue<Polls>): Status {
    return hctx.index === this.failInit ? Status.NOSPC : Status.OK;
  }
  exitHctx(hctx: HwQueue<Polls>): void {
    this.log.push(`exit ${hctx.index}`);
  }
  endAll(): void {
    for (const one of this.owned.splice(0)) one.endOk();
  }
}

function kept(options: DiskOptions = {}) {
  const world = new World();
  const driver = new Keeper();
  const made = makeDisk<Polls>(world, driver, options);
  const { queue } = made.disk;
  const change = (queues: number, pollQueues = 0): void => {
    const set = new TagSet<Polls>(driver, { ...defaults, queues, pollQueues }, world, undefined);
    queue.updateHwQueues(set);
  };
  return { world, driver, queue, change, ...made };
}

describe('the queue map', () => {
  test('spreads submitters over the submit queues, and their reads over the poll queues', () => {
    const { queue } = kept({ queues: 5, pollQueues: 2 });
    expect([0, 1, 2, 3].map((n) => queue.defaultHctx(n).index)).toEqual([0, 1, 2, 0]);
    expect([0, 1, 2].map((n) => queue.readHctx(n).index)).toEqual([3, 4, 3]);
    expect(queue.hctx(3).polled).toBe(true);
    expect(queue.hctx(2).polled).toBe(false);
  });

  test('without poll queues reads go where everything goes', () => {
    const { queue } = kept({ queues: 2 });
    expect([0, 1, 2].map((n) => queue.readHctx(n).index)).toEqual([0, 1, 0]);
  });
});

describe('a polled queue', () => {
  test('keeps its requests until the sockets had their turn, then they complete', () => {
    const { world, queue } = kept({ queues: 2, pollQueues: 1 });
    const one = read();
    queue.readHctx(0).submit(one.bio);
    queue.readHctx(0).unplug();
    expect(one.ends).toBe(0);
    expect(queue.inFlight).toBe(1);
    world.settle();
    expect(one.ends).toBe(1);
    expect(world.deferred.pending).toBe(false);
  });
});

describe('a live change of the hardware queues', () => {
  test('lets requests in flight end on their old queue; new ones go to the new', () => {
    const { world, driver, queue, change, hctx } = kept();
    const old = read(1);
    hctx.submit(old.bio);
    hctx.unplug();
    change(3);
    expect(queue.hwQueueCount).toBe(3);
    const fresh = read(2);
    queue.defaultHctx(2).submit(fresh.bio);
    world.settle();
    expect(driver.log).toEqual(['0:1', '2:2']);
    expect(queue.inFlight).toBe(2);
    driver.endAll();
    expect([old.ends, fresh.ends, queue.inFlight]).toEqual([1, 1, 0]);
    expect(driver.log.at(-1)).toBe('exit 0'); // the old one, with its last request
  });

  test('what the old queues hold back goes first', () => {
    const { world, driver, queue, change, hctx } = kept();
    driver.refuse = true;
    hctx.submit(read(1).bio);
    hctx.unplug();
    change(2);
    driver.refuse = false;
    queue.defaultHctx(0).submit(read(2).bio);
    queue.defaultHctx(0).unplug();
    expect(driver.log).toEqual([]);
    world.pass(3e6); // when a queue that refused is run again
    world.settle();
    expect(driver.log).toEqual(['0:1', '0:2']);
  });

  test('completes what waits on polled queues', () => {
    const { queue, change } = kept({ queues: 2, pollQueues: 1 });
    const one = read();
    queue.readHctx(0).submit(one.bio);
    queue.readHctx(0).unplug();
    change(1);
    expect(one.ends).toBe(1);
  });

  test('wakes those who wait for tags of the old queues', () => {
    const { world, hctx, change } = kept({ depth: 1 });
    hctx.submit(read().bio);
    let woken = 0;
    const tagsFree = (): void => {
      woken++;
    };
    hctx.pool.wait({ waiting: false, waitingSince: 0, waitsToRead: true, tagsFree });
    change(2);
    world.settle();
    expect(woken).toBe(1);
  });

  describe('with zeroes between two slices, when nothing of them is in flight', () => {
    const SLICED = { depth: 1, limits: { sliceSectors: 8, freeHoles: false } };
    const zeroes = (): TestBio => new TestBio(Command.WRITE_ZEROES, 0, 64);

    test('keeps the old queue until the last slice has ended, and what is newer behind it', () => {
      const { world, driver, queue, change, hctx } = kept(SLICED);
      const long = zeroes();
      hctx.submit(long.bio);
      hctx.unplug();
      driver.endAll();
      expect(queue.inFlight).toBe(0);
      change(2);
      const fresh = read(1000);
      queue.defaultHctx(0).submit(fresh.bio);
      queue.defaultHctx(0).unplug();
      for (let slice = 1; slice < 8; slice++) {
        expect([...queue.hctxs()].length).toBe(3);
        world.settle();
        driver.endAll();
      }
      world.settle();
      driver.endAll();
      expect([long.ends, fresh.ends]).toEqual([1, 1]);
      const slices = Array.from({ length: 8 }, (_, at) => `0:${at * 8}`);
      expect(driver.log).toEqual([...slices, '0:1000', 'exit 0']);
      expect([...queue.hctxs()].length).toBe(2);
    });

    test('stops and starts the old queue with all others, and nobody spins for a tag of it', () => {
      const { world, driver, queue, change, hctx } = kept(SLICED);
      const long = zeroes();
      hctx.submit(long.bio);
      hctx.unplug();
      change(2);
      queue.stopHwQueues();
      driver.endAll();
      world.settle(); // throws where a waiter asks again and again
      expect(long.ends).toBe(0);
      queue.startHwQueues();
      for (let slice = 0; slice < 8; slice++) {
        world.settle();
        driver.endAll();
      }
      expect(long.ends).toBe(1);
      expect([...queue.hctxs()].length).toBe(2);
    });

    test('is not idle', async () => {
      const { world, driver, queue, hctx } = kept(SLICED);
      const long = zeroes();
      hctx.submit(long.bio);
      hctx.unplug();
      driver.endAll();
      let idle = false;
      const done = queue.whenIdle().then(() => {
        idle = true;
      });
      await Promise.resolve();
      expect(idle).toBe(false);
      for (let slice = 1; slice < 8; slice++) {
        world.settle();
        driver.endAll();
      }
      await done;
      expect(long.ends).toBe(1);
    });

    test('does so where each slice frees its tag inside the next one', () => {
      const { world, driver, queue, change, hctx } = kept(SLICED);
      driver.inline = true;
      const long = zeroes();
      hctx.submit(long.bio);
      change(2);
      world.settle();
      expect(long.ends).toBe(1);
      expect([...queue.hctxs()].length).toBe(2);
      expect(driver.log.at(-1)).toBe('exit 0');
    });
  });

  test('that fails keeps the old queues and tears the new ones down', () => {
    const { driver, queue, change } = kept({ queues: 2 });
    driver.failInit = 2;
    expect(() => change(4)).toThrow(HctxError);
    expect(driver.log).toEqual(['exit 1', 'exit 0', 'exit 1', 'exit 0']); // tried twice
    expect(queue.hwQueueCount).toBe(2);
    const one = read();
    queue.defaultHctx(1).submit(one.bio);
    queue.defaultHctx(1).unplug();
    driver.endAll();
    expect(one.ends).toBe(1);
  });

  test('under load loses nothing, whatever the sequence of changes', () => {
    const { world, driver, queue, change } = kept({ depth: 4 });
    const all = [];
    for (let round = 0; round < 50; round++) {
      driver.refuse = round % 7 === 3;
      for (let i = 0; i < 3; i++) {
        const one = read(round * 3 + i);
        if (!queue.defaultHctx(i).submit(one.bio)) bug('out of tags');
        all.push(one);
      }
      for (const hctx of queue.hctxs()) hctx.unplug();
      change(2 + (round % 3), round % 2);
      if (round % 5 === 4) driver.endAll();
      world.pass(3e6);
    }
    driver.refuse = false;
    world.pass(3e6);
    driver.endAll();
    expect(all.map((one) => one.ends)).toEqual(all.map(() => 1));
    expect(queue.inFlight).toBe(0);
  });
});

test('whenIdle is done when the last request has ended', async () => {
  const { driver, queue, hctx } = kept();
  await queue.whenIdle();
  hctx.submit(read().bio);
  hctx.unplug();
  let idle = false;
  const done = queue.whenIdle().then(() => {
    idle = true;
  });
  await Promise.resolve();
  expect(idle).toBe(false);
  driver.endAll();
  await done;
  expect(idle).toBe(true);
});
