/** What a store takes of memory for what was changed since somebody keeps what it held. */

import { expect, test } from 'vitest';
import type { HeldSlabs } from '../../../src/driver/storage/held-slabs.ts';
import { PageStore } from '../../../src/driver/storage/page-store.ts';
import { createSlabAllocator } from '../../../src/pages/allocator.ts';
import { DataMemory, SLAB_OVERHEAD_BYTES } from '../../../src/pages/memory.ts';
import { SharedSlabs } from '../../../src/pages/shared-slabs.ts';
import { PAGE_BYTES, SLAB_BYTES } from '../../../src/pages/slab.ts';
import { PageViews } from '../../../src/pages/views.ts';
import { atOnce } from '../../../src/time/slicer.ts';
import { bytes, MiB, sector } from '../../../src/units.ts';
import { CountingAllocator } from '../../pages/counting-allocator.ts';

const PAGES = SLAB_BYTES / PAGE_BYTES;

function full(): { store: PageStore; allocator: CountingAllocator } {
  const allocator = new CountingAllocator(createSlabAllocator({ poolSlabs: 0 }));
  const store = new PageStore(allocator, bytes(SLAB_BYTES));
  store.write(sector(0), new Uint8Array(SLAB_BYTES).fill(1), 0, SLAB_BYTES);
  return { store, allocator };
}

function writePage(store: PageStore, page: number, byte: number): void {
  store.write(sector(page * 8), new Uint8Array(PAGE_BYTES).fill(byte), 0, PAGE_BYTES);
}

function firstBytes(store: PageStore): number[] {
  const all = new Uint8Array(SLAB_BYTES);
  store.read(sector(0), all, 0, SLAB_BYTES);
  return Array.from({ length: PAGES }, (_, page) => all[page * PAGE_BYTES] ?? -1);
}

const ownBytes = (slabs: HeldSlabs): number => atOnce(slabs.ownBytes());

test('a write after a snapshot takes its page, and the rest stays shared', () => {
  const { store, allocator } = full();
  const kept = store.freeze();
  writePage(store, 3, 9); // the levels of the table are copied, too
  const before = allocator.memory.usedBytes;
  expect(ownBytes(kept)).toBe(PAGE_BYTES);
  writePage(store, 5, 9);
  expect(allocator.memory.usedBytes - before).toBe(PAGE_BYTES);
  expect(ownBytes(kept)).toBe(2 * PAGE_BYTES);
  expect(firstBytes(store)).toEqual(
    Array.from({ length: PAGES }, (_, page) => (page === 3 || page === 5 ? 9 : 1)),
  );
  const back = store.exchange(kept);
  expect(firstBytes(store)).toEqual(new Array(PAGES).fill(1));
  expect(ownBytes(back)).toBe(2 * PAGE_BYTES);
});

test('once all pages are written, what lay below is of the snapshot alone', () => {
  const { store } = full();
  const kept = store.freeze();
  for (let page = 0; page < PAGES; page++) writePage(store, page, 2);
  expect(ownBytes(kept)).toBe(SLAB_BYTES);
});

test('pages of several slabs that were written lie in one, and stay packed when some go', () => {
  const EXTENTS = 8;
  const allocator = new CountingAllocator(createSlabAllocator({ poolSlabs: 0 }));
  const store = new PageStore(allocator, bytes(EXTENTS * SLAB_BYTES));
  const all = new Uint8Array(EXTENTS * SLAB_BYTES).fill(1);
  store.write(sector(0), all, 0, all.length);
  const kept = store.freeze();
  for (let one = 0; one < 2 * PAGES; one++) {
    writePage(store, (one % EXTENTS) * PAGES + Math.trunc(one / EXTENTS), 2);
  }
  expect([allocator.live.size, allocator.cut.size]).toEqual([2 * EXTENTS, 2]);
  // The first extents' pages go; those of the last move into their places.
  const half = (EXTENTS / 2) * SLAB_BYTES;
  store.discard(sector(0), sector(half / 512));
  expect(allocator.cut.size).toBe(1);
  store.read(sector(half / 512), all, 0, half);
  const changed = all.subarray(0, half).filter((byte) => byte === 2).length;
  expect(changed).toBe(PAGES * PAGE_BYTES);
  atOnce(kept.end());
  expect([allocator.live.size, allocator.cut.size]).toEqual([EXTENTS / 2, 0]);
});

test('what is being sent from a place stays there, though others go', () => {
  const { store, allocator } = full();
  const kept = store.freeze();
  for (let page = 0; page < 8; page++) writePage(store, page, 10 + page);
  const views = new PageViews(allocator);
  store.view(sector(7 * 8), PAGE_BYTES, views);
  store.discard(sector(0), sector(8 * 4));
  for (let page = 8; page < PAGES; page++) writePage(store, page, 3);
  atOnce(kept.end());
  writePage(store, 7, 9);
  expect(views.buffers[0]?.[views.starts[0] ?? 0]).toBe(17);
  expect(firstBytes(store).slice(3, 9)).toEqual([0, 14, 15, 16, 9, 3]);
  views.release();
  expect([allocator.live.size, allocator.cut.size]).toEqual([1, 0]);
});

test('a part of a page is written to a copy of that page alone', () => {
  const { store, allocator } = full();
  const kept = store.freeze();
  writePage(store, 0, 2);
  const before = allocator.memory.usedBytes;
  store.write(sector(17), new Uint8Array(512).fill(7), 0, 512);
  expect(allocator.memory.usedBytes - before).toBe(PAGE_BYTES);
  const page = new Uint8Array(PAGE_BYTES);
  store.read(sector(16), page, 0, PAGE_BYTES);
  expect([page[0], page[512], page[1024]]).toEqual([1, 7, 1]);
  expect(ownBytes(kept)).toBe(2 * PAGE_BYTES);
});

test.each([1, 5])(
  'when all of %i snapshots go, one slab is left with what was written',
  (count) => {
    const { store, allocator } = full();
    const empty = allocator.memory.usedBytes;
    const kept: HeldSlabs[] = [];
    for (let one = 0; one < count; one++) {
      kept.push(store.freeze());
      writePage(store, one, 10 + one);
    }
    // The middle ones first: what lies above and below is not lost with them.
    kept.sort(
      (a, b) => Math.abs(kept.indexOf(a) - count / 2) - Math.abs(kept.indexOf(b) - count / 2),
    );
    for (const one of kept) atOnce(one.end());
    expect(allocator.live.size).toBe(1);
    const slabs = (allocator.charged.length - 1) * SLAB_OVERHEAD_BYTES;
    expect(allocator.memory.usedBytes).toBe(empty + slabs);
    expect(firstBytes(store)).toEqual(
      Array.from({ length: PAGES }, (_, page) => (page < count ? 10 + page : 1)),
    );
  },
);

test('when a snapshot goes, only the few pages that were written are copied', () => {
  let most = 0;
  const memory = new DataMemory({
    fails: (length) => {
      most = Math.max(most, length);
      return false;
    },
  });
  const allocator = new CountingAllocator(createSlabAllocator({ poolSlabs: 0, memory }));
  const store = new PageStore(allocator, bytes(SLAB_BYTES));
  store.write(sector(0), new Uint8Array(SLAB_BYTES).fill(1), 0, SLAB_BYTES);
  const kept = store.freeze();
  for (const page of [2, 3, 30]) writePage(store, page, 9);
  most = 0;
  atOnce(kept.end());
  expect(most).toBe(0);
  expect(allocator.live.size).toBe(1);
  expect(firstBytes(store).filter((byte) => byte === 9)).toHaveLength(3);
});

test('what is being sent from a slab below stays, whoever goes meanwhile', () => {
  const { store, allocator } = full();
  const kept = store.freeze();
  writePage(store, 3, 9);
  const views = new PageViews(allocator);
  store.view(sector(0), SLAB_BYTES, views);
  expect(views.count).toBe(3);
  atOnce(kept.end());
  for (let page = 0; page < PAGES; page++) writePage(store, page, 5);
  const sent = Array.from(
    { length: views.count },
    (_, at) => views.buffers[at]?.[views.starts[at] ?? 0],
  );
  expect(sent).toEqual([1, 9, 1]);
  views.release();
  expect(allocator.live.size).toBe(1);
});

test('where memory goes back in arenas, too, snapshots that go take no more than the limit', () => {
  const limit = 12 * MiB;
  const memory = new DataMemory({ limit: bytes(limit) });
  const host = { made() {}, dropped() {}, later() {}, now() {} };
  const allocator = new SharedSlabs(host, memory);
  const PAGES_IN_ALL = 1024;
  const store = new PageStore(allocator, bytes(PAGES_IN_ALL * PAGE_BYTES));
  const model = new Uint8Array(PAGES_IN_ALL);
  let state = 7;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  let most = 0;
  let refused = 0;
  const write = (times: number): void => {
    for (let n = 0; n < times; n++) {
      const page = random(PAGES_IN_ALL);
      const data = new Uint8Array(PAGE_BYTES).fill(1 + random(255));
      if (store.write(sector(page * 8), data, 0, PAGE_BYTES)) model[page] = data[0] ?? 0;
      else refused++;
      most = Math.max(most, memory.usedBytes);
    }
  };
  for (let round = 0; round < 8; round++) {
    write(1200);
    const kept = Array.from({ length: 4 }, () => {
      write(240);
      return store.freeze();
    });
    write(240);
    for (const one of kept) {
      for (const _ of one.end()) most = Math.max(most, memory.usedBytes);
    }
    most = Math.max(most, memory.usedBytes);
    const all = new Uint8Array(PAGES_IN_ALL * PAGE_BYTES);
    store.read(sector(0), all, 0, all.length);
    expect(model.every((byte, page) => all[page * PAGE_BYTES] === byte)).toBe(true);
    store.discard(sector(0), sector(PAGES_IN_ALL * 8));
    model.fill(0);
  }
  // A table's level, and pages that are copied before others are free, may be a little more.
  expect(most).toBeLessThan(limit * 1.05);
  expect(most).toBeGreaterThan(limit * 0.9);
  // Of 19,200. What they hold and held is less than the limit, but lies in slabs of which pages have no memory.
  expect(refused).toBeLessThan(500);
});
