import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Operations } from '../../src/block/operations.ts';
import { HctxError, RequestQueue } from '../../src/block/request-queue.ts';
import { Scheduler, type TagWaiter } from '../../src/block/scheduler.ts';
import { Status, statusErrno } from '../../src/block/status.ts';
import { TagPool } from '../../src/block/tag-pool.ts';
import { TagSet } from '../../src/block/tag-set.ts';
import { nbdMeaning } from '../../src/export/errors.ts';
import { Deferred } from '../../src/time/deferred.ts';
import { type Tag, tag } from '../../src/units.ts';
import { makeDisk, read, World } from './world.ts';

const driver: Operations = {
  makeRequestData: () => undefined,
  queueRq: (request) => {
    request.start();
    return Status.OK;
  },
};

test('a tag set has its depth in tags for each hardware queue, and a slot for each tag', () => {
  const { set, disk } = makeDisk(new World(), driver, { queues: 3, depth: 5 });
  expect(set.requests.map((request) => request.tag)).toEqual(
    Array.from({ length: 15 }, (_, i) => i),
  );
  expect({ depth: set.queueDepth, queues: set.hwQueueCount }).toEqual({ depth: 5, queues: 3 });
  expect(new Set([0, 1, 2].map((index) => set.pool(index))).size).toBe(3);
  expect(disk.queue.defaultHctx(4).index).toBe(1); // connections are spread in turn
  for (let i = 0; i < 9; i++) disk.queue.defaultHctx(0).submit(read().bio);
  expect(set.inFlight).toBe(5);
});

test('a shared bitmap is one pool of its depth for all hardware queues', () => {
  const { set } = makeDisk(new World(), driver, { queues: 3, depth: 5, sharedBitmap: true });
  expect(set.requests).toHaveLength(5);
  expect(set.pool(0)).toBe(set.pool(2));
});

test('requests are made with the set, each with data of its own', () => {
  let made = 0;
  const { set } = makeDisk(new World(), { ...driver, makeRequestData: () => ++made }, { depth: 7 });
  expect(made).toBe(7);
  expect(new Set(set.requests.map((request) => request.data)).size).toBe(7);
});

test('tags are handed out once, and come back once', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.boolean(), { maxLength: 200 }),
      (depth, takes) => {
        const pool = new TagPool(
          100,
          depth,
          new Deferred(),
          new Scheduler(new World().clock, false),
        );
        const model = new Set<Tag>();
        for (const take of takes) {
          const [first] = model;
          if (take) {
            const taken = pool.take();
            expect(taken === undefined).toBe(model.size === depth);
            if (taken === undefined) continue;
            expect(model.has(taken)).toBe(false);
            expect(taken >= 100 && taken < 100 + depth).toBe(true);
            model.add(taken);
          } else if (first !== undefined) {
            model.delete(first);
            pool.give(first);
          }
          expect(pool.inUse).toBe(model.size);
        }
      },
    ),
  );
});

test('a tag too many coming back is a bug', () => {
  expect(() =>
    new TagPool(0, 1, new Deferred(), new Scheduler(new World().clock, false)).give(tag(0)),
  ).toThrow('given back twice');
});

/** Wants `wanted` tags; notes the order of its turns. */
class Client implements TagWaiter {
  waiting = false;
  waitingSince = 0;
  readonly waitsToRead = true;
  readonly #name: string;
  readonly #pool: TagPool;
  readonly #turns: string[];
  wanted: number;
  constructor(name: string, wanted: number, pool: TagPool, turns: string[]) {
    this.#name = name;
    this.wanted = wanted;
    this.#pool = pool;
    this.#turns = turns;
    pool.wait(this);
  }
  tagsFree(quota: number): void {
    for (let i = 0; i < quota && this.wanted > 0; i++) {
      if (this.#pool.take() === undefined) break;
      this.#turns.push(this.#name);
      this.wanted--;
    }
    if (this.wanted > 0) this.#pool.wait(this);
  }
}

describe('who waits for tags', () => {
  function contend(inArrivalOrder: boolean): string[] {
    const deferred = new Deferred();
    const pool = new TagPool(0, 6, deferred, new Scheduler(new World().clock, inArrivalOrder));
    const tags = Array.from({ length: 6 }, () => pool.take() ?? tag(0));
    const turns: string[] = [];
    for (const name of ['a', 'b', 'c']) new Client(name, 4, pool, turns);
    for (const one of tags) pool.give(one);
    while (deferred.pending && pool.freeCount > 0) deferred.run();
    return turns;
  }

  test('gets one in turn', () => {
    expect(contend(false)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  test('with no_sched: who came first takes all it needs', () => {
    expect(contend(true)).toEqual(['a', 'a', 'a', 'a', 'b', 'b']);
  });

  test('and has gone is not called any more', () => {
    const deferred = new Deferred();
    const pool = new TagPool(0, 1, deferred, new Scheduler(new World().clock, false));
    const taken = pool.take() ?? tag(0);
    const turns: string[] = [];
    const gone = new Client('gone', 1, pool, turns);
    new Client('there', 1, pool, turns);
    pool.leave(gone);
    pool.give(taken);
    deferred.run();
    expect(turns).toEqual(['there']);
  });
});

test('only half of the tags may be held by replies that a client has not taken', () => {
  const pool = new TagPool(0, 5, new Deferred(), new Scheduler(new World().clock, false));
  pool.mapped = 1;
  expect(pool.mayMap).toBe(true);
  pool.mapped = 2;
  expect(pool.mayMap).toBe(false);
});

test('when a hardware queue cannot be built, those before it are torn down, last first', () => {
  const exits: number[] = [];
  const failing: Operations = {
    ...driver,
    initHctx: (hctx) => (hctx.index === 2 ? Status.IOERR : Status.OK),
    exitHctx: (hctx) => {
      exits.push(hctx.index);
    },
  };
  const { set, disk } = makeDisk(new World(), driver, { queues: 4 });
  let status: Status = Status.OK;
  try {
    new RequestQueue(set, failing, undefined, disk.limits);
  } catch (error) {
    if (error instanceof HctxError) status = error.status;
  }
  expect(status).toBe(Status.IOERR);
  expect(exits).toEqual([1, 0]);
});

test.each([
  ['OK', 'OK', 0],
  ['NOTSUPP', 'EOPNOTSUPP', 22],
  ['TIMEOUT', 'ETIMEDOUT', 5],
  ['NOSPC', 'ENOSPC', 28],
  ['RESOURCE', 'retried', 5],
  ['IOERR', 'EIO', 5],
  ['DEV_RESOURCE', 'retried', 5],
  ['ZONE_OPEN_RESOURCE', 'ETOOMANYREFS', 5],
  ['ZONE_ACTIVE_RESOURCE', 'EOVERFLOW', 5],
  ['OFFLINE', 'ENODEV', 5],
  ['INVAL', 'EINVAL', 22],
] as const)('status %s is %s to a user and %i on the wire', (name, errno, error) => {
  expect(statusErrno[Status[name]]).toBe(errno);
  expect(nbdMeaning(Status[name]).error).toBe(error);
});

test('two disks on one tag set share its tags', () => {
  const world = new World();
  const one = makeDisk(world, driver, { depth: 4 });
  const queue = new RequestQueue(one.set, driver, undefined, one.disk.limits);
  const hctxs = [one.hctx, queue.hctx(0)];
  for (let i = 0; i < 4; i++) hctxs[i % 2]?.submit(read().bio);
  expect(one.set).toBeInstanceOf(TagSet);
  expect(hctxs.map((hctx) => hctx.submit(read().bio))).toEqual([false, false]);
  expect(one.set.inFlight).toBe(4);
});
