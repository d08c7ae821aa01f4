import { describe, expect, test } from 'vitest';
import { Command } from '../../src/block/command.ts';
import type { DriverData } from '../../src/block/driver-data.ts';
import type { Operations } from '../../src/block/operations.ts';
import type { IdleRequest, Owned } from '../../src/block/owned.ts';
import { Status } from '../../src/block/status.ts';
import { bug } from '../../src/units.ts';
import { type DiskOptions, makeDisk, read, TestBio, World } from './world.ts';

/** A driver that keeps its requests, in order, and answers as told. */
class Recorder implements Operations {
  readonly owned: Owned[] = [];
  readonly sectors: number[] = [];
  readonly lasts: boolean[] = [];
  commits = 0;
  /** How many requests are taken before the answer is `refusal`. */
  room = Number.POSITIVE_INFINITY;
  refusal: Status = Status.RESOURCE;
  onIssue = (): void => {};
  makeRequestData(): undefined {}
  queueRq(request: IdleRequest, isLast: boolean): Status {
    this.onIssue();
    if (this.room === 0) return this.refusal;
    this.room--;
    this.sectors.push(request.sector());
    this.lasts.push(isLast);
    this.owned.push(request.start());
    return Status.OK;
  }
  commitRqs(): void {
    this.commits++;
  }
  /** Ends the oldest request. */
  end(status: Status = Status.OK): void {
    const first = this.owned.shift() ?? bug('the driver has no request');
    first.end(status);
  }
}

function recorded(options: DiskOptions = {}) {
  const world = new World();
  const driver = new Recorder();
  return { world, driver, ...makeDisk(world, driver, options) };
}

describe('batches', () => {
  test('nothing reaches the driver before the batch is over; the last one is marked', () => {
    const { hctx, driver } = recorded();
    for (let at = 0; at < 3; at++) hctx.submit(read(at).bio);
    expect(driver.sectors).toEqual([]);
    hctx.unplug();
    expect(driver.sectors).toEqual([0, 1, 2]);
    expect(driver.lasts).toEqual([false, false, true]);
  });

  test('a batch that nobody ends is ended by the turn', () => {
    const { hctx, driver, world } = recorded();
    hctx.submit(read(5).bio);
    world.settle();
    expect(driver.sectors).toEqual([5]);
  });

  test('queueRqs gets it as a list; what it leaves there is issued one by one', () => {
    const world = new World();
    const driver = Object.assign(new Recorder(), { batches: [] as number[] });
    const { hctx } = makeDisk<DriverData>(world, {
      makeRequestData: () => undefined,
      queueRq: (request, isLast) => driver.queueRq(request, isLast),
      queueRqs(requests) {
        driver.batches.push(requests.count);
        requests.take()?.start().end(Status.OK);
        const second = requests.take();
        if (second !== undefined) requests.putBack(second);
      },
    });
    const bios = [read(0), read(1), read(2)];
    for (const { bio } of bios) hctx.submit(bio);
    hctx.unplug();
    expect(driver.batches).toEqual([3]);
    expect(bios.map((bio) => bio.ends)).toEqual([1, 0, 0]);
    expect(driver.sectors).toEqual([1, 2]);
  });
});

describe('a resource status', () => {
  test('holds the rest in order, commits, and issues again after 3 ms', () => {
    const { hctx, driver, world } = recorded();
    driver.room = 1;
    const bios = [read(0), read(1), read(2)];
    for (const { bio } of bios) hctx.submit(bio);
    hctx.unplug();
    expect(driver.sectors).toEqual([0]);
    expect(driver.commits).toBe(1);
    world.settle(); // the turn ends: the queue runs once more, and is refused once more
    driver.room = 10;
    world.pass(2.9e6);
    expect(driver.sectors).toEqual([0]);
    world.pass(0.2e6);
    expect(driver.sectors).toEqual([0, 1, 2]);
    for (let i = 0; i < 3; i++) driver.end();
    expect(bios.map((bio) => [bio.ends, bio.status])).toEqual([
      [1, 0],
      [1, 0],
      [1, 0],
    ]);
  });

  test('a payload that lies in the receive buffer is copied before it is held', () => {
    const { hctx, driver } = recorded();
    driver.room = 0;
    const payload = new Uint8Array(512).fill(7);
    const write = new TestBio(Command.WRITE, 0, 1, payload);
    hctx.submit(write.bio);
    hctx.unplug();
    payload.fill(9); // the next client's bytes
    expect(write.parked).toBe(1);
    expect(write.bio.segments.buffer(0)[0]).toBe(7);
  });

  test.each([Status.IOERR, Status.NOSPC, Status.INVAL])(
    'any other (%i) ends the request',
    (status) => {
      const { hctx, driver, set } = recorded();
      driver.room = 0;
      driver.refusal = status;
      const one = read();
      hctx.submit(one.bio);
      hctx.unplug();
      expect(one).toMatchObject({ ends: 1, status });
      expect(set.inFlight).toBe(0);
    },
  );
});

test('a stopped queue holds everything, and issues it in order when it starts', () => {
  const { disk, hctx, driver, world } = recorded();
  disk.queue.stopHwQueues();
  for (let at = 0; at < 3; at++) {
    hctx.submit(read(at).bio);
    hctx.unplug();
  }
  world.pass(1e9);
  expect(driver.sectors).toEqual([]);
  disk.queue.startHwQueues();
  hctx.submit(read(3).bio);
  hctx.unplug();
  world.settle();
  expect(driver.sectors).toEqual([0, 1, 2, 3]);
});

test('requeue: with a kick in the same turn, without after 3 ms; the tag stays taken', () => {
  const { hctx, driver, world, set } = recorded();
  hctx.submit(read(8).bio);
  hctx.unplug();
  driver.owned.shift()?.requeue(true);
  expect(set.inFlight).toBe(1);
  world.settle();
  expect(driver.sectors).toEqual([8, 8]);
  driver.owned.shift()?.requeue(false);
  world.settle();
  expect(driver.sectors).toEqual([8, 8]);
  world.pass(3e6);
  expect(driver.sectors).toEqual([8, 8, 8]);
});

describe('splitting', () => {
  test('a long read becomes requests of max_sectors, ended once, with the first error', () => {
    const { hctx, driver } = recorded({ limits: { maxSectors: 8 }, depth: 4 });
    const one = read(100, 20);
    expect(hctx.submit(one.bio)).toBe(true);
    hctx.unplug();
    expect(driver.owned.map((rq) => [rq.sector(), rq.sectors(), rq.bioOffset()])).toEqual([
      [100, 8, 0],
      [108, 8, 4096],
      [116, 4, 8192],
    ]);
    driver.end();
    driver.end(Status.IOERR);
    expect(one.ends).toBe(0);
    driver.end(Status.NOSPC);
    expect(one).toMatchObject({ ends: 1, status: Status.IOERR });
  });

  test('one that needs more tags than there are goes on with each tag, and ends once', () => {
    const { hctx, driver } = recorded({ limits: { maxSectors: 1 }, depth: 2 });
    const one = read(0, 5);
    let submits = 0;
    while (!hctx.submit(one.bio)) {
      submits++;
      expect(one.ends).toBe(0);
      while (driver.owned.length > 0) driver.end(); // every part so far has ended
      expect(one.ends).toBe(0);
    }
    hctx.unplug();
    driver.end();
    expect(submits).toBe(2);
    expect(one).toMatchObject({ ends: 1, status: Status.OK });
    expect(driver.sectors).toEqual([0, 1, 2, 3, 4]);
  });

  test('where requests end inside queueRq the last part still belongs to the bio', () => {
    const world = new World();
    const { hctx } = makeDisk(
      world,
      {
        makeRequestData: () => undefined,
        queueRq: (request) => {
          request.start().end(Status.OK);
          return Status.OK;
        },
      },
      { limits: { maxSectors: 1 }, depth: 2 },
    );
    const one = read(0, 5);
    expect(hctx.submit(one.bio)).toBe(true);
    hctx.unplug();
    expect(one.ends).toBe(1);
    expect(hctx.pool.inUse).toBe(0);
  });

  test('a discard goes in slices, and the sockets have their turn after each', () => {
    const { hctx, driver, world } = recorded({ limits: { sliceSectors: 100 } });
    const discard = new TestBio(Command.DISCARD, 0, 250);
    expect(hctx.submit(discard.bio)).toBe(true);
    hctx.unplug();
    for (const expected of [[0], [0, 100], [0, 100, 200]]) {
      expect(driver.sectors).toEqual(expected);
      world.deferred.run();
    }
    while (driver.owned.length > 0) driver.end();
    expect(discard).toMatchObject({ ends: 1, status: Status.OK });
  });

  test('slices of several go in turns, in one turn as many as the time allows', () => {
    const { hctx, driver, world } = recorded({ limits: { sliceSectors: 100 }, depth: 16 });
    for (const first of [0, 1000, 2000]) {
      hctx.submit(new TestBio(Command.WRITE_ZEROES, first, 300).bio);
    }
    hctx.unplug();
    driver.sectors.length = 0;
    world.deferred.run();
    expect(driver.sectors).toEqual([100, 1100, 2100]); // no time passes
    driver.sectors.length = 0;
    driver.onIssue = () => {
      world.time += 60_000;
    };
    world.deferred.run();
    expect(driver.sectors).toEqual([200, 1200]);
    world.deferred.run();
    expect(driver.sectors).toEqual([200, 1200, 2200]);
    expect(world.deferred.pending).toBe(false);
  });
});

test('a blocking handler may wait: payloads are parked, order and tags stay right', async () => {
  const world = new World();
  const waiting: (() => void)[] = [];
  const { hctx, set } = makeDisk(
    world,
    {
      makeRequestData: () => undefined,
      queueRq: () => bug('the handler that may not wait was called'),
      async queueRqBlocking(request) {
        const owned = request.start();
        await new Promise<void>((resolve) => waiting.push(resolve));
        owned.end(Status.OK);
        return Status.OK;
      },
    },
    { blocking: true },
  );
  const bios = [0, 1, 2].map((at) => new TestBio(Command.WRITE, at, 1, new Uint8Array(512)));
  for (const { bio } of bios) hctx.submit(bio);
  hctx.unplug();
  expect(bios.map((bio) => bio.parked)).toEqual([1, 1, 1]);
  expect(set.inFlight).toBe(3);
  for (let done = 1; done <= 3; done++) {
    waiting.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(bios.map((bio) => bio.ends)).toEqual([0, 1, 2].map((at) => (at < done ? 1 : 0)));
  }
  expect(set.inFlight).toBe(0);
});
