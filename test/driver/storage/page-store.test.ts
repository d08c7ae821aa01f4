import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PageStore } from '../../../src/driver/storage/page-store.ts';
import { createSlabAllocator } from '../../../src/pages/allocator.ts';
import { zeroView } from '../../../src/pages/pin.ts';
import { PAGE_BYTES, SECTORS_PER_SLAB, SLAB_BYTES } from '../../../src/pages/slab.ts';
import { PageViews } from '../../../src/pages/views.ts';
import { atOnce } from '../../../src/time/slicer.ts';
import { bytes, GiB, MiB, SECTOR_BYTES, sector } from '../../../src/units.ts';
import { CountingAllocator } from '../../pages/counting-allocator.ts';

const page = Buffer.alloc(PAGE_BYTES, 7);

function device(capacity = GiB) {
  const allocator = new CountingAllocator();
  return { allocator, store: new PageStore(allocator, bytes(capacity)) };
}

test('a device of 2^43 sectors works at its last sector, and not beyond it', () => {
  const { store } = device(2 ** 43 * SECTOR_BYTES);
  const last = sector(2 ** 43 - 1);
  const one = Buffer.alloc(512, 9);
  expect(store.write(last, one, 0, 512)).toBe(true);
  const target = Buffer.alloc(1024);
  store.read(sector(last - 1), target, 0, 1024);
  expect(target.subarray(0, 512).equals(Buffer.alloc(512))).toBe(true);
  expect(target.subarray(512).equals(one)).toBe(true);
  expect(() => store.read(last, target, 0, 1024)).toThrow('bug');
  expect(() => store.write(sector(last + 1), one, 0, 512)).toThrow('bug');
  store.discard(sector(0), sector(2 ** 43));
  expect(store.slabCount).toBe(0);
});

test('reading, viewing and discarding an empty device takes no memory', () => {
  const { allocator, store } = device();
  const target = Buffer.alloc(MiB, 1);
  store.read(sector(1), target, 0, MiB);
  expect(target.every((byte) => byte === 0)).toBe(true);
  const views = new PageViews(allocator);
  store.view(sector(1), MiB, views);
  expect(views.buffers.every((buffer) => buffer === zeroView)).toBe(true);
  store.discard(sector(1), sector(100_000));
  expect(allocator.takes).toBe(0);
});

test('a huge discard passes what is absent without looking at single extents', () => {
  const { store } = device(2 ** 50);
  const sectors = 2 ** 41;
  store.write(sector(0), page, 0, PAGE_BYTES);
  store.write(sector(sectors - 8), page, 0, PAGE_BYTES);
  const begin = process.hrtime.bigint();
  for (let i = 0; i < 100; i++) store.discard(sector(8), sector(sectors - 16));
  // 2^33 extents, one by one, would take seconds for each round; this takes some 20 us.
  expect(Number(process.hrtime.bigint() - begin) / 100).toBeLessThan(500_000_000);
  expect(store.slabCount).toBe(2);
  store.discard(sector(0), sector(sectors));
  expect(store.slabCount).toBe(0);
});

test('pages of zeros written without data count as held and take no memory yet', () => {
  const { allocator, store } = device();
  store.writeZeroes(sector(3), sector(SECTORS_PER_SLAB));
  expect(store.heldBytes).toBe(SLAB_BYTES + PAGE_BYTES); // one sector past 32 pages at each end
  expect(store.slabCount).toBe(2);
  store.discard(sector(3), sector(SECTORS_PER_SLAB - 4));
  expect(store.idleBytes).toBe(0);
  store.discard(sector(0), sector(2 * SECTORS_PER_SLAB));
  expect(allocator.live.size).toBe(0);
});

test('a write under a view copies the slab once, and the view keeps the old data', () => {
  const { allocator, store } = device();
  store.write(sector(8), page, 0, PAGE_BYTES);
  const views = new PageViews(allocator);
  store.view(sector(8), PAGE_BYTES, views);
  for (let i = 0; i < 3; i++) store.write(sector(8), Buffer.alloc(PAGE_BYTES, i), 0, PAGE_BYTES);
  expect(allocator.takes).toBe(2);
  expect(views.buffers[0]?.[views.starts[0] ?? 0]).toBe(7);
  expect(allocator.live.size).toBe(2);
  views.release();
  expect(allocator.live.size).toBe(1);
});

test('an adopted slab is the extent, without a copy', () => {
  const { allocator, store } = device();
  store.write(sector(SECTORS_PER_SLAB), page, 0, PAGE_BYTES);
  const slab = allocator.takeDirty();
  if (slab === undefined) throw new Error('no memory');
  slab.bytes.fill(5);
  store.adopt(sector(SECTORS_PER_SLAB), slab);
  const views = new PageViews(allocator);
  store.view(sector(SECTORS_PER_SLAB), SLAB_BYTES, views);
  expect(views.buffers[0]).toBe(slab.bytes);
  views.release();
  expect(store.heldBytes).toBe(SLAB_BYTES);
  expect(allocator.live.size).toBe(1);
  expect(() => store.adopt(sector(8), slab)).toThrow('not the start of a slab');
});

test('a write without memory for its second slab has written the first', () => {
  const { allocator, store } = device();
  allocator.failAt = 2;
  const data = Buffer.alloc(2 * SLAB_BYTES, 3);
  expect(store.write(sector(8), data, 0, data.length)).toBe(false);
  expect(store.slabCount).toBe(1);
  expect(store.heldBytes).toBe(SLAB_BYTES - PAGE_BYTES);
});

test('ranges that are not whole sectors, or not in the buffer, are bugs', () => {
  const { store } = device();
  expect(() => store.read(sector(0), page, 0, 100)).toThrow('bug');
  expect(() => store.write(sector(0), page, 512, PAGE_BYTES)).toThrow('bug');
  expect(() => store.write(sector(0), page, -512, 512)).toThrow('bug');
});

test('scattered discards leave idle memory, and compaction returns it in bounded steps', () => {
  const { allocator, store } = device();
  const data = Buffer.alloc(SLAB_BYTES, 1);
  const slabs = 300;
  for (let i = 0; i < slabs; i++) {
    store.write(sector(i * SECTORS_PER_SLAB), data, 0, SLAB_BYTES);
    store.discard(sector(i * SECTORS_PER_SLAB + 8), sector(SECTORS_PER_SLAB - 16)); // keeps 2 pages
  }
  expect(store.idleBytes).toBe(slabs * 30 * PAGE_BYTES);
  expect(store.needsCompaction).toBe(true);
  const takes = allocator.takes;
  let steps = 0;
  while (store.compact(10)) expect(allocator.takes - takes).toBeLessThanOrEqual(10 * ++steps);
  expect(steps).toBeGreaterThan(5);
  expect(store.needsCompaction).toBe(false);
  expect(store.idleBytes).toBeLessThanOrEqual(16 * MiB);
  expect(store.heldBytes).toBe(slabs * 2 * PAGE_BYTES);
  const target = Buffer.alloc(SLAB_BYTES);
  const expected = Buffer.concat([page.fill(1), Buffer.alloc(SLAB_BYTES - 2 * PAGE_BYTES), page]);
  for (let i = 0; i < slabs; i++) {
    store.read(sector(i * SECTORS_PER_SLAB), target, 0, SLAB_BYTES);
    expect(target.equals(expected)).toBe(true);
  }
});

test('compaction that finds no memory stops, and says that there is nothing to do', () => {
  const allocator = new CountingAllocator();
  const store = new PageStore(allocator, bytes(GiB), 0);
  store.write(sector(0), Buffer.alloc(SLAB_BYTES, 1), 0, SLAB_BYTES);
  store.discard(sector(8), sector(64));
  allocator.failAt = allocator.takes + 1;
  expect(store.compact(10)).toBe(false);
  expect(store.needsCompaction).toBe(true);
  expect(store.compact(10)).toBe(false);
  expect(store.idleBytes).toBe(0);
});

test('memory of discarded data goes back to the system at once', () => {
  const store = new PageStore(createSlabAllocator(), bytes(GiB));
  const data = Buffer.alloc(MiB, 1);
  for (let i = 0; i < 128; i++) store.write(sector(i * 2048), data, 0, MiB);
  // Not compared to before the writes: other tests in this process may have left memory that they reuse.
  const full = process.memoryUsage.rss();
  store.discard(sector(0), sector(128 * 2048));
  atOnce(store.drain());
  expect(full - process.memoryUsage.rss()).toBeGreaterThan(108 * MiB);
});

test('a discard of many slabs is done at once, and their memory is returned in pieces', () => {
  const allocator = new CountingAllocator();
  const store = new PageStore(allocator, bytes(2 * GiB));
  const [slabs, target] = [2100, Buffer.alloc(PAGE_BYTES)];
  for (let i = 0; i < slabs; i++) store.write(sector(i * SECTORS_PER_SLAB), page, 0, PAGE_BYTES);
  // All but the first slab and the last half of the last one.
  const end = slabs * SECTORS_PER_SLAB - SECTORS_PER_SLAB / 2;
  expect(store.needsDrain).toBe(false);
  store.discard(sector(SECTORS_PER_SLAB), sector(end - SECTORS_PER_SLAB));
  store.read(sector(1500 * SECTORS_PER_SLAB), target, 0, PAGE_BYTES);
  expect([store.slabCount, target.every((byte) => byte === 0)]).toEqual([1, true]);
  // What is written now has nothing to do with what is being returned.
  store.write(sector(1500 * SECTORS_PER_SLAB), page, 0, PAGE_BYTES);
  expect(store.needsDrain).toBe(true);
  const drain = store.drain();
  let before = allocator.live.size;
  let pieces = 0;
  for (let done = false; !done; pieces++) {
    done = drain.next().done === true;
    expect(before - allocator.live.size).toBeLessThanOrEqual(64);
    expect(store.heldBytes).toBe(allocator.live.size * PAGE_BYTES);
    before = allocator.live.size;
  }
  expect(pieces).toBeGreaterThan(1024 / 64);
  expect([allocator.live.size, store.needsDrain]).toEqual([2, false]);
  atOnce(store.clear());
  expect([allocator.live.size, store.heldBytes, store.idleBytes]).toEqual([0, 0, 0]);
});

test('zeros that were never data take no memory, however often written and cut', () => {
  const store = new PageStore(createSlabAllocator(), bytes(512 * MiB));
  const before = process.memoryUsage.rss();
  const all = sector((512 * MiB) / SECTOR_BYTES);
  for (let round = 0; round < 2; round++) store.writeZeroes(sector(0), all);
  for (let at = 4; at < all; at += SECTORS_PER_SLAB) {
    store.discard(sector(at), sector(SECTORS_PER_SLAB - 8));
  }
  expect(store.slabCount).toBe((512 * MiB) / SLAB_BYTES);
  expect(process.memoryUsage.rss() - before).toBeLessThan(50 * MiB);
});

test('discarding every other extent does not use up the mappings that a process may have', () => {
  const mappings = () =>
    existsSync('/proc/self/maps') ? readFileSync('/proc/self/maps', 'utf8').split('\n').length : 0;
  const store = new PageStore(createSlabAllocator({ shrunkSlabs: 100 }), bytes(4 * GiB));
  const slabs = 3000;
  const before = mappings();
  for (let i = 0; i < slabs; i++) store.write(sector(i * SECTORS_PER_SLAB), page, 0, PAGE_BYTES);
  for (let i = 0; i < slabs; i += 2) {
    store.discard(sector(i * SECTORS_PER_SLAB), sector(SECTORS_PER_SLAB));
  }
  expect(store.slabCount).toBe(slabs / 2);
  // A gap or a protected range for each discarded slab would be 1500 more.
  expect(mappings() - before).toBeLessThan(500);
});
