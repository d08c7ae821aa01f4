import { expect, test } from 'vitest';
import { Status } from '../../../src/block/status.ts';
import { storeStep } from '../../../src/driver/path.ts';
import { cacheStep } from '../../../src/driver/storage/cache-step.ts';
import { PageStore } from '../../../src/driver/storage/page-store.ts';
import { WriteCache } from '../../../src/driver/storage/write-cache.ts';
import { createSlabAllocator } from '../../../src/pages/allocator.ts';
import { SLAB_OVERHEAD_BYTES } from '../../../src/pages/memory.ts';
import { PAGE_BYTES, SECTORS_PER_SLAB, SLAB_BYTES } from '../../../src/pages/slab.ts';
import { atOnce } from '../../../src/time/slicer.ts';
import { bytes, GiB, MiB, sector } from '../../../src/units.ts';
import { CountingAllocator } from '../../pages/counting-allocator.ts';
import { StepWorld } from '../step-world.ts';

const target = Buffer.alloc(PAGE_BYTES);
const page = (value: number) => Buffer.alloc(PAGE_BYTES, value);

function device({ cacheBytes = MiB, block = 1, poolSlabs = 4 } = {}) {
  const allocator = new CountingAllocator(createSlabAllocator({ poolSlabs }));
  const capacity = bytes(GiB);
  const store = new PageStore(allocator, capacity);
  const options = { capacity, cacheBytes: bytes(cacheBytes), blockSectors: block };
  const cache = new WriteCache(store, allocator, options);
  const world = new StepWorld(allocator, cacheStep(cache, storeStep(store)));
  return { allocator, store, cache, world };
}

/** The first byte that the store, not the cache, has in a page. */
function stored(store: PageStore, number: number): number {
  store.read(sector(number * 8), target, 0, PAGE_BYTES);
  return target[0] ?? 0;
}

test('1 MiB holds 255 pages; the block after that makes room by 16', () => {
  const { world, cache, store } = device({ block: 8 });
  for (let i = 0; i < 255; i++) world.write(i * 8, page(1));
  expect([cache.usedBytes, store.heldBytes]).toEqual([255 * PAGE_BYTES, 0]);
  world.write(255 * 8, page(1));
  expect([cache.usedBytes, store.heldBytes]).toEqual([240 * PAGE_BYTES, 16 * PAGE_BYTES]);
  expect([stored(store, 15), stored(store, 16)]).toEqual([1, 0]);
});

test('with smaller blocks, the second block of the last page makes the room', () => {
  const { world, cache } = device({ block: 1 });
  for (let i = 0; i < 255; i++) world.write(i * 8, page(1));
  expect(cache.usedBytes).toBe(239 * PAGE_BYTES);
});

test('eviction goes on upward from where the last one or a flush stopped, then from 0', () => {
  const { world, cache, store } = device({ block: 8 });
  for (let i = 0; i < 256; i++) world.write(i * 8, page(1)); // pages 0 to 15 leave
  for (let i = 0; i < 16; i++) world.write(i * 8, page(2)); // pages 16 to 31 leave
  expect([stored(store, 0), stored(store, 31), stored(store, 32)]).toEqual([1, 1, 0]);
  cache.flush(); // stops at page 15, going round
  for (let i = 0; i < 256; i++) world.write(i * 8, page(3)); // pages 15 to 30 leave
  expect([stored(store, 15), stored(store, 30), stored(store, 31)]).toEqual([3, 3, 1]);
});

test('the page where the last eviction stopped is the first of the next one', () => {
  const { world, cache, store } = device({ block: 8 });
  for (let i = 0; i < 256; i++) world.write(i * 8, page(1)); // pages 0 to 15 leave
  world.write(15 * 8, page(2));
  for (let i = 256; i < 271; i++) world.write(i * 8, page(1)); // page 15 leaves, then 16 to 30
  expect([stored(store, 15), stored(store, 30), stored(store, 31)]).toEqual([2, 1, 0]);
  expect(cache.usedBytes).toBe(240 * PAGE_BYTES);
});

test('long writes leave in the cache what null_blk leaves there', () => {
  const { world, cache } = device();
  for (const [first = 0, sectors = 0] of [
    [374_934, 2048],
    [222_358, 1910],
    [493_214, 4096],
  ]) {
    world.write(first, Buffer.alloc(sectors * 512, 1));
  }
  expect(cache.usedBytes).toBe(1_024_000);
});

test('a power cut loses what was rewritten after a flush', () => {
  const { world, cache, store } = device();
  world.write(0, page(1));
  cache.flush();
  world.write(0, page(2));
  atOnce(cache.drop());
  expect(stored(store, 0)).toBe(1);
});

test('large reads show the pages of the store unless the cache has some of the range', () => {
  const { world, cache } = device();
  world.write(0, Buffer.alloc(256 * 1024, 1));
  cache.flush();
  expect(world.read(0, 512).views).toBe(true);
  world.write(504, page(2));
  expect(world.read(0, 504).views).toBe(true);
  const mixed = world.read(0, 512);
  expect(mixed.views).toBe(false);
  const expected = Buffer.concat([Buffer.alloc(504 * 512, 1), page(2)]);
  expect(mixed.data.equals(expected)).toBe(true);
  world.memory = false;
  expect(world.read(0, 512).status).toBe(Status.NOSPC);
});

test('a slab that the store could adopt is copied, and stays with the payload', () => {
  const { allocator, store, cache } = device();
  const slab = allocator.takeDirty();
  if (slab === undefined) throw new Error('no memory');
  slab.bytes.fill(7);
  const inner = cacheStep(cache, storeStep(store));
  let left: unknown;
  const world = new StepWorld(allocator, (request, sectors) => {
    const { segments } = request.bio();
    segments.slabs[0] = slab;
    const done = inner(request, sectors);
    left = segments.slabs[0];
    return done;
  });
  world.write(SECTORS_PER_SLAB, Buffer.from(slab.bytes.buffer));
  expect(left).toBe(slab);
  expect([cache.usedBytes, store.heldBytes]).toEqual([SLAB_BYTES, 0]);
  allocator.give(slab);
  expect(world.read(SECTORS_PER_SLAB, 8).data.equals(page(7))).toBe(true);
  atOnce(cache.drop());
  expect(allocator.live.size).toBe(0);
});

test('a flush in slices is done when the walk has come round to where it began', () => {
  const { world, cache, store } = device();
  for (let i = 0; i < 96; i++) world.write(i * 8, page(1));
  cache.flushSome(48);
  const { flushPoint } = cache;
  for (let i = 0; i < 32; i++) world.write(i * 8, page(2)); // behind the walk: a new round
  const done: boolean[] = [];
  for (let slice = 0; slice < 4; slice++) {
    expect(cache.flushSome(16)).toBe(true);
    world.write(95 * 8, page(3)); // there is always something left
    done.push(cache.hasFlushed(flushPoint));
  }
  expect(done).toEqual([false, false, false, false]);
  cache.flushSome(32);
  expect([stored(store, 0), stored(store, 31)]).toEqual([2, 2]);
  for (let slice = 0; slice < 4 && !cache.hasFlushed(flushPoint); slice++) cache.flushSome(16);
  expect(cache.hasFlushed(flushPoint)).toBe(true);
});

test('memory that a flush leaves unused is returned in bounded steps', () => {
  const { world, cache, allocator } = device({ cacheBytes: 32 * MiB });
  world.write(0, Buffer.alloc(30 * MiB, 1));
  expect(cache.memoryBytes).toBe(30 * MiB);
  expect(cache.needsTrim).toBe(false);
  cache.flush();
  expect(cache.needsTrim).toBe(true);
  const before = allocator.live.size;
  expect(cache.trim(10)).toBe(true);
  expect(before - allocator.live.size).toBe(10);
  world.write(0, page(2)); // what is in use stays
  while (cache.trim(10));
  expect(cache.needsTrim).toBe(false);
  expect(cache.memoryBytes).toBeLessThanOrEqual(17 * MiB);
  expect(world.read(0, 8).data.equals(page(2))).toBe(true);
});

test('wherever memory runs out, requests say so, nothing leaks and no old data show', () => {
  const pages = Array.from({ length: 251 }, (_, value) => page(value));
  let hit = true;
  for (let failAt = 1; hit; failAt++) {
    const { world, cache, store, allocator } = device({ block: 8 });
    allocator.failAt = failAt;
    let failures = 0;
    const expected = new Map<number, number[]>();
    for (let i = 0; i < 600; i++) {
      const number = (i * 37) % 400;
      const status = world.write(number * 8, pages[(i % 250) + 1] ?? page(0));
      if (status === Status.NOSPC) failures++;
      // After a failed write either the old or the new data are there.
      const old = status === Status.OK ? [] : (expected.get(number) ?? [0]);
      expected.set(number, [...old, (i % 250) + 1]);
    }
    if (!cache.flush()) failures++;
    expect(cache.flush()).toBe(true);
    expect(cache.usedBytes).toBe(0);
    for (const [number, values] of expected) {
      const held = stored(store, number);
      if (!values.includes(held)) expect(values, `page ${number}`).toContain(held);
    }
    hit = allocator.takes >= failAt;
    expect(failures).toBe(hit ? 1 : 0);
    atOnce(store.clear());
    atOnce(cache.drop());
    expect(allocator.live.size).toBe(0);
  }
});

test('a discard that finds no memory for a copy leaves the cache as it was', () => {
  const { world, cache, allocator, store } = device();
  world.write(0, Buffer.alloc(SLAB_BYTES, 1));
  cache.flush();
  world.write(8, page(2));
  const inner = cacheStep(cache, storeStep(store));
  let pinned = 0;
  // A reader of the slab holds it while the discard comes.
  world.step = (request, sectors) => {
    const { views } = request.bio();
    store.view(sector(0), 512, views);
    pinned = views.count;
    allocator.failAt = allocator.takes + 1;
    const done = inner(request, sectors);
    views.release();
    return done;
  };
  expect(world.discard(8, 8)).toBe(Status.NOSPC);
  expect(pinned).toBe(1);
  expect(cache.usedBytes).toBe(PAGE_BYTES);
  allocator.failAt = 0;
  world.step = inner;
  expect(world.read(8, 8).data.equals(page(2))).toBe(true);
});

test('a write that is not on the device is a bug', () => {
  const { cache } = device();
  expect(() => cache.write(sector(GiB / 512), page(1), 0, 512)).toThrow('bug');
});

test('a large range is forgotten at once, and its memory given back in pieces', () => {
  const { allocator, cache, store, world } = device({ cacheBytes: 64 * MiB, poolSlabs: 0 });
  // A page of each extent, in four leaves of 1024: two of these are forgotten whole.
  const extents = 4096;
  for (let i = 0; i < extents; i++) world.write(i * SECTORS_PER_SLAB, page(1));
  const [from, end] = [1000, 3100];
  cache.forget(sector(from * SECTORS_PER_SLAB), sector((end - from) * SECTORS_PER_SLAB));
  const left = (extents - (end - from)) * PAGE_BYTES;
  expect([cache.usedBytes, cache.needsDrain]).toEqual([left, true]);
  for (const [extent, value] of [
    [from - 1, 1],
    [from, 0],
    [2000, 0],
    [end - 1, 0],
    [end, 1],
  ] as const) {
    expect(world.read(extent * SECTORS_PER_SLAB, 8).data.equals(page(value))).toBe(true);
  }
  const draining = cache.drain();
  let pieces = 0;
  // What is written meanwhile stays.
  for (; !draining.next().done; pieces++) {
    if (pieces === 2) world.write(2000 * SECTORS_PER_SLAB, page(2));
  }
  expect(pieces).toBeGreaterThanOrEqual(2048 / 16);
  expect([cache.usedBytes, cache.needsDrain]).toEqual([left + PAGE_BYTES, false]);
  expect(world.read(2000 * SECTORS_PER_SLAB, 8).data.equals(page(2))).toBe(true);
  expect(cache.flush()).toBe(true);
  expect([cache.usedBytes, store.heldBytes]).toEqual([0, left + PAGE_BYTES]);
  atOnce(cache.drop());
  atOnce(store.clear());
  expect(allocator.live.size).toBe(0);
  // What is left are slabs without pages, which the system has back later.
  expect(allocator.memory.usedBytes).toBe(allocator.ever.size * SLAB_OVERHEAD_BYTES);
});

test('a power cut while a large range is given back: all is, once', () => {
  const { allocator, cache, world } = device({ cacheBytes: 64 * MiB, poolSlabs: 0 });
  for (let i = 0; i < 2048; i++) world.write(i * SECTORS_PER_SLAB, page(1));
  const begin = sector(0);
  cache.forget(begin, sector(1024 * SECTORS_PER_SLAB));
  const draining = cache.drain();
  for (let pieces = 0; pieces < 3; pieces++) draining.next();
  const dropping = cache.drop();
  for (let more = true; more; ) {
    const done = [draining.next().done, dropping.next().done];
    more = done.includes(false);
  }
  expect([cache.usedBytes, cache.needsDrain]).toEqual([0, false]);
  expect(allocator.live.size).toBe(0);
  // What is left are slabs without pages, which the system has back later.
  expect(allocator.memory.usedBytes).toBe(allocator.ever.size * SLAB_OVERHEAD_BYTES);
});
