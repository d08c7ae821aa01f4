import { describe, expect, test } from 'vitest';
import type { Operations } from '../../src/block/operations.ts';
import { Status } from '../../src/block/status.ts';
import { DEFAULT_TIMEOUT } from '../../src/block/tag-set.ts';
import { type DiskOptions, makeDisk, read, type TestBio, World } from './world.ts';

/** Moves time to the next timer. @returns seconds. */
function toNextTimer(world: World): number {
  world.pass(world.timers.next - world.time);
  return world.time / 1e9;
}

describe('timeouts', () => {
  /** A disk of a driver that never answers; `expired` gets the sector and the second of each timeout. */
  function silent(verdict: 'done' | 'reset', shared = true, options: DiskOptions = {}) {
    const world = new World();
    const expired: [number, number][] = [];
    const operations: Operations = {
      makeRequestData: () => undefined,
      queueRq: (request) => {
        const owned = request.start();
        if (shared) owned.intoShared().drop();
        return Status.OK;
      },
      requestTimeout: (request) => {
        expired.push([request.sector(), world.time / 1e9]);
        if (verdict === 'done') request.complete(Status.TIMEOUT);
        return verdict;
      },
    };
    const { hctx } = makeDisk(world, operations, options);
    const submit = (first = 0): TestBio => {
      const one = read(first);
      hctx.submit(one.bio);
      hctx.unplug();
      return one;
    };
    return { world, expired, submit };
  }

  test('the hook ends the request with TIMEOUT after exactly 5 s; then all is quiet', () => {
    const { world, expired, submit } = silent('done');
    world.pass(0.3e9);
    const one = submit(7);
    expect(toNextTimer(world)).toBe(5.3);
    expect(expired).toEqual([[7, 5.3]]);
    expect(one).toMatchObject({ ends: 1, status: Status.TIMEOUT });
    expect(world.timers.next).toBe(Number.POSITIVE_INFINITY);
  });

  test('a request that begins when another times out has its own 5 s', () => {
    const { world, expired, submit } = silent('done');
    submit(1).bioDone = () => void submit(2);
    while (world.timers.count > 0) toNextTimer(world);
    expect(expired).toEqual([
      [1, 5],
      [2, 10],
    ]);
  });

  test('a queue that goes away leaves no timer behind', () => {
    const world = new World();
    const { hctx, disk } = makeDisk(world, {
      makeRequestData: () => undefined,
      queueRq: (request) => {
        request.start().endOk();
        return Status.OK;
      },
    });
    hctx.submit(read().bio);
    hctx.unplug();
    expect(world.timers.count).toBe(1);
    disk.queue.exit();
    expect(world.timers.count).toBe(0);
  });

  test('each request has its own 5 s, whatever else is in flight', () => {
    const { world, expired, submit } = silent('done', true, { depth: 64 });
    const starts = [0, 0.001, 0.9, 2, 4.999, 5.5, 11];
    for (const [sector, start] of starts.entries()) {
      while (world.timers.next <= start * 1e9) toNextTimer(world);
      world.pass(start * 1e9 - world.time);
      submit(sector);
    }
    while (world.timers.count > 0) toNextTimer(world);
    expect(expired).toEqual(starts.map((start, sector) => [sector, (start * 1e9 + 5e9) / 1e9]));
  });

  test('a request that was held back has its 5 s from when the driver got it', () => {
    const { world, expired, submit } = silent('done');
    let taken = false;
    const { hctx } = makeDisk(world, {
      makeRequestData: () => undefined,
      queueRq: (request) => {
        if (!taken) return Status.RESOURCE;
        request.start().intoShared().drop();
        return Status.OK;
      },
      requestTimeout: (request) => {
        expired.push([request.sector(), world.time / 1e9]);
        request.complete(Status.TIMEOUT);
        return 'done';
      },
    });
    expect(submit(1).ends).toBe(0);
    hctx.submit(read(2).bio);
    hctx.unplug();
    while (world.time < 2e9) world.pass(3e6);
    taken = true;
    world.pass(3e6);
    const held = world.time / 1e9;
    while (world.timers.count > 0) toNextTimer(world);
    expect(expired).toEqual([
      [1, 5],
      [2, held + 5],
    ]);
  });

  test('many requests in flight are looked at together, at most 8 ms late', () => {
    const depth = 10_240;
    const { world, expired, submit } = silent('done', true, { depth });
    for (let sector = 0; sector < depth; sector++) {
      submit(sector);
      world.time += 1000;
    }
    let sweeps = 0;
    for (; world.timers.count > 0; sweeps++) toNextTimer(world);
    expect(expired).toHaveLength(depth);
    const late = expired.map(([sector, second]) => second - sector / 1e6 - 5);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(-1e-9);
    expect(Math.max(...late)).toBeLessThanOrEqual(0.0083);
    expect(sweeps).toBeLessThan(5);
  });

  test('while requests end in time, there is one sweep in 5 s', () => {
    const world = new World();
    const { hctx } = makeDisk(world, {
      makeRequestData: () => undefined,
      queueRq: (request) => {
        request.start().endOk();
        return Status.OK;
      },
    });
    let sweeps = 0;
    for (let at = 0; at < 10_000; at++) {
      hctx.submit(read().bio);
      hctx.unplug();
      if (world.timers.next <= world.time + 2e6) sweeps++;
      world.pass(2e6);
    }
    expect(sweeps).toBe(4);
  });

  test('reset gives it another period', () => {
    const { world, expired, submit } = silent('reset');
    const one = submit();
    for (let periods = 0; periods < 3; periods++) toNextTimer(world);
    expect(expired.map(([, second]) => second)).toEqual([5, 10, 15]);
    expect(one.ends).toBe(0);
  });

  test('a request that the driver owns alone is not revived', () => {
    const { world, expired, submit } = silent('done', false);
    submit();
    for (let periods = 0; periods < 3; periods++) toNextTimer(world);
    expect(expired).toEqual([]);
  });

  test('the default is 30 s', () => expect(DEFAULT_TIMEOUT).toBe(30e9));
});
