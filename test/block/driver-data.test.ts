/** A driver's data beside the block layer's objects are made and torn down with their owner, and nothing
 *  keeps a removed disk alive. rnull-series 6, 29, 30, 33, 39. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { Disk } from '../../src/block/disk.ts';
import type { DriverData } from '../../src/block/driver-data.ts';
import type { Operations } from '../../src/block/operations.ts';
import type { Owned } from '../../src/block/owned.ts';
import { HctxError, RequestQueue } from '../../src/block/request-queue.ts';
import { Status } from '../../src/block/status.ts';
import { TagSet } from '../../src/block/tag-set.ts';
import { bug } from '../../src/units.ts';
import { defaults, makeDisk, read, World } from './world.ts';

interface Named extends DriverData {
  readonly request: { readonly number: number };
  readonly hctx: { readonly name: string };
  readonly tagSet: string;
  readonly queue: { readonly label: string };
}

class Keeper implements Operations<Named> {
  readonly log: string[] = [];
  readonly owned: Owned<Named>[] = [];
  failAt = -1;
  #requests = 0;
  #hctxs = 0;
  makeRequestData(): { number: number } {
    return { number: this.#requests++ };
  }
  makeHctxData(): { name: string } {
    return { name: `queue ${this.#hctxs++}` };
  }
  initHctx(hctx: { index: number; data: { name: string } }): Status {
    this.log.push(`init ${hctx.data.name}`);
    return hctx.index === this.failAt ? Status.NOSPC : Status.OK;
  }
  exitHctx(hctx: { data: { name: string } }): void {
    this.log.push(`exit ${hctx.data.name}`);
  }
  queueRq(request: { start(): Owned<Named> }): Status {
    this.owned.push(request.start());
    return Status.OK;
  }
}

function built(queues = 2) {
  const world = new World();
  const driver = new Keeper();
  const set = new TagSet<Named>(driver, { ...defaults, queues }, world, 'the set');
  const { disk } = makeDisk<Named>(world, new Keeper()); // its limits and features
  const queue = new RequestQueue<Named>(set, driver, { label: 'the queue' }, disk.limits);
  const own = new Disk('disk', disk.capacity, disk.features, queue);
  return { world, driver, set, queue, disk: own };
}

describe('the data of the driver', () => {
  test('of a hardware queue is made with it and torn down with it, the last one first', () => {
    const { driver, queue } = built();
    expect(driver.log).toEqual(['init queue 0', 'init queue 1']);
    expect([queue.hctx(0).data.name, queue.hctx(1).data.name]).toEqual(['queue 0', 'queue 1']);
    queue.exit();
    expect(driver.log.slice(2)).toEqual(['exit queue 1', 'exit queue 0']);
  });

  test('of a hardware queue that fails is not torn down: those before it are', () => {
    const world = new World();
    const driver = new Keeper();
    driver.failAt = 1;
    const { limits } = built().disk;
    const set = new TagSet<Named>(driver, { ...defaults, queues: 3 }, world, '');
    expect(() => new RequestQueue<Named>(set, driver, { label: '' }, limits)).toThrow(HctxError);
    expect(driver.log).toEqual(['init queue 0', 'init queue 1', 'exit queue 0']);
  });

  test('of a tag set is found from each of its queues and requests', () => {
    const { set, queue, driver } = built();
    expect(set.data).toBe('the set');
    queue.hctx(1).submit(read().bio);
    queue.hctx(1).unplug();
    const [owned = bug('nothing came')] = driver.owned;
    expect(owned.hctx().set.data).toBe('the set');
    expect(queue.tagSet).toBe(set);
  });

  test('of a request queue is found from each of its requests', () => {
    const { queue, driver } = built();
    queue.hctx(0).submit(read().bio);
    queue.hctx(0).unplug();
    const [owned = bug('nothing came')] = driver.owned;
    expect(owned.queue().data).toEqual({ label: 'the queue' });
    expect(owned.queue()).toBe(queue);
  });

  test('of a request is the same object in every life of its slot', () => {
    const { queue, driver } = built(1);
    const seen = new Set<object>();
    for (let life = 0; life < 20; life++) {
      queue.hctx(0).submit(read().bio);
      queue.hctx(0).unplug();
      const owned = driver.owned.pop() ?? bug('nothing came');
      seen.add(owned.data());
      owned.endOk();
    }
    expect(seen.size).toBeLessThanOrEqual(defaults.depth);
  });
});

/** A full collection of everything unreachable. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof gc === 'function') gc();
}

test('the queue of a disk is reached from its requests, and lives no longer for the tags it shared', async () => {
  const { world, driver, set, queue, disk } = built();
  queue.hctx(0).submit(read().bio);
  queue.hctx(0).unplug();
  const owned = driver.owned.pop() ?? bug('nothing came');
  expect(owned.queue()).toBe(disk.queue);
  owned.endOk();

  /** Another disk on the same tags, used and removed. */
  const removed = (): WeakRef<RequestQueue<Named>> => {
    const label = 'other';
    const other = new RequestQueue<Named>(set, driver, { label }, disk.limits);
    for (let at = 0; at < 3; at++) {
      other.hctx(0).submit(read(at).bio);
      other.hctx(0).unplug();
    }
    for (const one of driver.owned.splice(0)) one.endOk();
    world.settle();
    other.exit();
    return new WeakRef(other);
  };
  const gone = removed();
  for (let at = 0; at < 3; at++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  expect(gone.deref()).toBeUndefined();
});
