/** Three real threads at one device: two read and write it themselves, the main thread does all that a
 *  device does beside them, and at times has it alone. */

import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { RequestLog } from '../../src/block/request-log.ts';
import { SharedDevice } from '../../src/direct/shared-device.ts';
import type { HeldSlabs } from '../../src/driver/storage/held-slabs.ts';
import { PageStore } from '../../src/driver/storage/page-store.ts';
import { SharedSlabs } from '../../src/pages/shared-slabs.ts';
import { SLAB_BYTES } from '../../src/pages/slab.ts';
import { PageViews } from '../../src/pages/views.ts';
import { systemClock } from '../../src/time/clock.ts';
import { Deferred } from '../../src/time/deferred.ts';
import { atOnce } from '../../src/time/slicer.ts';
import { bytes, sector } from '../../src/units.ts';
import { same } from '../same.ts';
import { testRuns } from '../test-runs.ts';

const BLOCK = 4096;
const SECTORS = BLOCK / 512;
const CAPACITY = 40 * SLAB_BYTES;
const THREADS = 2;
const seed = Number(process.env['TNULL_TEST_SEED'] ?? Date.now() % 2 ** 31);
const rounds = testRuns(8000);

test(`each block is of one writer, and still while the main thread has the device alone (TNULL_TEST_SEED=${seed})`, async () => {
  const workers: Worker[] = [];
  const said: Promise<string>[] = [];
  const arenas: object[] = [];
  const allocator = new SharedSlabs({
    made(id, memory) {
      arenas.push({ id, memory });
      for (const worker of workers) worker.postMessage({ id, memory });
    },
    dropped() {},
    later: () => void allocator.returnSome(),
    now: () => {},
  });
  const store = new PageStore(allocator, bytes(CAPACITY), 0);
  const device = new SharedDevice(0, THREADS, CAPACITY, { gone() {}, logs() {} });
  store.share(device);
  const log = new RequestLog({ clock: systemClock, deferred: new Deferred() });
  log.resize(10_000);
  log.attach(device.rings);
  const counted = countNoted(log);
  device.allow(true, true);
  const control = new SharedArrayBuffer(64);
  for (let thread = 0; thread < THREADS; thread++) {
    const workerData = {
      memory: device.memory,
      logMemory: device.rings?.memory,
      capacity: CAPACITY,
      thread,
      threads: THREADS,
      control,
    };
    const worker = new Worker(new URL('./hammer.js', import.meta.url), {
      workerData: { ...workerData, seed: seed + thread },
    });
    for (const arena of arenas) worker.postMessage(arena);
    said.push(new Promise((resolve) => worker.on('message', (m) => m !== 'ready' && resolve(m))));
    workers.push(worker);
    onTestFinished(async () => void (await worker.terminate()));
    await once(worker, 'message');
  }

  let state = seed ^ 0x5eed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const block = new Uint8Array(BLOCK);
  const before = new Uint8Array(CAPACITY);
  const after = new Uint8Array(CAPACITY);
  const whole = new Uint8Array(SLAB_BYTES);
  let frozen: { slabs: HeldSlabs; held: Buffer } | undefined;
  const shown: { views: PageViews; seen: Buffer }[] = [];
  const copy = (views: PageViews): Buffer =>
    Buffer.concat(
      Array.from({ length: views.count }, (_, at) =>
        (views.buffers[at] ?? block).subarray(views.starts[at], views.ends[at]),
      ),
    );
  const words = new Int32Array(control);
  /** They did write, and were refused, and read. */
  const worked = (): boolean => [1, 2, 3].every((word) => Atomics.load(words, word) > 100);
  // However little of the machine they get, they are waited for.
  for (let round = 0; round < rounds || !worked(); round++) {
    const at = sector(random(CAPACITY / BLOCK - 64) * SECTORS);
    const slabAt = sector(Math.floor(at / 256) * 256);
    switch (random(13)) {
      case 0:
        same(store.discard(at, sector(SECTORS)), true);
        break;
      case 1:
        if (random(5) === 0) store.discard(slabAt, sector(256));
        break;
      case 2:
        same(store.writeZeroes(at, sector(SECTORS)), true);
        break;
      case 3: {
        const views = new PageViews(allocator);
        store.view(at, 40 * BLOCK, views);
        shown.push({ views, seen: copy(views) });
        break;
      }
      case 4: {
        const one = shown.shift();
        if (one === undefined) break;
        // What is being sent stays as it was.
        same(Buffer.compare(copy(one.views), one.seen), 0);
        one.views.release();
        break;
      }
      case 5:
        store.compact(2);
        break;
      case 6: {
        if (random(10) > 0) break;
        device.suspend();
        store.read(sector(0), before, 0, CAPACITY);
        store.read(sector(0), after, 0, CAPACITY);
        same(Buffer.compare(before, after), 0);
        device.resume();
        break;
      }
      case 7: {
        // What one moment held stays so, while all go on with layers upon it.
        if (random(20) > 0) break;
        device.suspend();
        store.read(sector(0), before, 0, CAPACITY);
        const then = frozen;
        const back = random(2) === 0 ? then : undefined;
        const slabs = back === undefined ? store.freeze() : store.exchange(back.slabs);
        frozen = { slabs, held: Buffer.from(before) };
        store.read(sector(0), after, 0, CAPACITY);
        same(Buffer.compare(after, back?.held ?? before), 0);
        atOnce(store.publish(slabs));
        device.resume();
        if (then !== back && then !== undefined) atOnce(then.slabs.end());
        break;
      }
      case 8:
        whole.fill(1 + random(255));
        same(store.write(slabAt, whole, 0, SLAB_BYTES), true);
        break;
      default:
        block.fill(1 + random(255));
        same(store.write(at, block, 0, BLOCK), true);
        store.read(at, block, 0, BLOCK);
        // All its bytes are the same: each is the next one.
        same(Buffer.compare(block.subarray(1), block.subarray(0, -1)), 0);
    }
    if (round % 20 === 0) counted();
    if (round % 100 === 0) await setImmediate();
  }
  Atomics.store(words, 0, 1);
  expect(await Promise.all(said)).toEqual(['', '']);
  expect(worked()).toBe(true);
  expect(counted()).toBe(Atomics.load(words, 6));
});

/** @returns what looks at the commands since the last look: of each thread it has every one, in order; and counts
 *  all. */
function countNoted(log: RequestLog): () => number {
  const next = new Map<number, number>();
  let seen = 0;
  return () => {
    log.collect();
    for (; seen < log.last; seen++) {
      const { offset = -1, client = 0, arrived = 0, answered = null } = log.entry(seen + 1) ?? {};
      same(offset, next.get(client) ?? 0);
      // Threads read the clock that we read.
      same(arrived >= 0 && answered !== null && answered >= arrived, true);
      next.set(client, offset + 1);
    }
    same(log.ended, seen);
    return seen;
  };
}
