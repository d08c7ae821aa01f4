import { expect, test } from 'vitest';
import { createSlabAllocator } from '../../src/pages/allocator.ts';
import { DataMemory, Room, SLAB_OVERHEAD_BYTES } from '../../src/pages/memory.ts';
import { ALL_PAGES, PAGE_BYTES, SLAB_BYTES, type Slab } from '../../src/pages/slab.ts';
import { bytes } from '../../src/units.ts';

const WHOLE = SLAB_BYTES + SLAB_OVERHEAD_BYTES;

function present(slab: Slab | undefined): Slab {
  if (slab === undefined) throw new Error('no memory');
  return slab;
}

function limited(slabs: number, poolSlabs = 64) {
  let full = 0;
  const memory = new DataMemory({ limit: bytes(slabs * WHOLE), full: () => void full++ });
  const allocator = createSlabAllocator({ memory, poolSlabs });
  return { memory, allocator, full: () => full };
}

test('pages count when they may be written, each once', () => {
  const { memory, allocator } = limited(2);
  const slab = present(allocator.take());
  expect(memory.usedBytes).toBe(SLAB_OVERHEAD_BYTES);
  expect(allocator.admit(slab, 0b101)).toBe(true);
  expect(allocator.admit(slab, 0b111)).toBe(true);
  expect(memory.usedBytes).toBe(SLAB_OVERHEAD_BYTES + 3 * PAGE_BYTES);
  expect([slab.residentPages, slab.idlePages]).toEqual([3, 3]);
  expect(allocator.admit(slab, ALL_PAGES)).toBe(true);
  expect(memory.usedBytes).toBe(WHOLE);
});

test('beyond the limit nothing more stays; a payload goes an eighth beyond it, a reply on and on', () => {
  const { memory, allocator, full } = limited(16);
  for (let n = 0; n < 16; n++) present(allocator.takeDirty());
  expect(full()).toBe(0);
  expect(allocator.take()).toBeUndefined();
  expect(allocator.takeFresh()).toBeUndefined();
  expect(allocator.takeDirty()).toBeUndefined();
  expect([full(), memory.refusals]).toEqual([1, 3]);
  for (let n = 0; n < 2; n++) present(allocator.takeDirty(Room.PAYLOAD));
  expect(allocator.takeDirty(Room.PAYLOAD)).toBeUndefined();
  for (let n = 0; n < 9; n++) present(allocator.takeDirty(Room.ANY));
  expect(memory.usedBytes).toBe(27 * WHOLE);
});

test('at the limit what is kept for reuse is returned first', () => {
  const { memory, allocator } = limited(3);
  const slabs = [1, 2, 3].map(() => present(allocator.takeDirty()));
  const [first, second, third] = slabs.map(present);
  if (first === undefined || second === undefined || third === undefined) throw new Error('three');
  allocator.give(first);
  allocator.give(second);
  expect([allocator.freeBytes, memory.usedBytes]).toEqual([2 * SLAB_BYTES, 3 * WHOLE]);
  // A slab without memory, whose pages come one by one.
  const fresh = present(allocator.takeFresh());
  expect(allocator.admit(fresh, 1)).toBe(true);
  expect(memory.usedBytes).toBeLessThanOrEqual(3 * WHOLE);
  expect(allocator.admit(fresh, ALL_PAGES)).toBe(true);
  expect(memory.usedBytes).toBeLessThanOrEqual(3 * WHOLE);
  present(allocator.takeDirty());
  expect(allocator.takeDirty()).toBeUndefined();
});

test('what was refused is asked for again with success once memory was given back', () => {
  const { memory, allocator, full } = limited(4, 0);
  const slabs = [1, 2, 3, 4].map(() => present(allocator.takeDirty()));
  expect(allocator.takeDirty()).toBeUndefined();
  for (const slab of slabs) allocator.give(slab);
  expect(memory.usedBytes).toBe(4 * SLAB_OVERHEAD_BYTES);
  for (let n = 0; n < 4; n++) present(allocator.takeDirty());
  expect(allocator.takeDirty()).toBeUndefined();
  expect(full()).toBe(2); // said again, since memory was free in between
});

test('as many slabs are in use as there is address space for, and no more', () => {
  const memory = new DataMemory({ slabsMax: 2 });
  const allocator = createSlabAllocator({ memory });
  const slab = present(allocator.take());
  present(allocator.take());
  expect(allocator.take()).toBeUndefined();
  expect(memory.isWithinLimit()).toBe(true);
  allocator.give(slab);
  expect(allocator.take()).toBe(slab);
});

test('the heap is a limit of its own', () => {
  const memory = new DataMemory({ heapMax: bytes(2000) });
  const allocator = createSlabAllocator({ memory });
  present(allocator.take());
  expect(memory.chargeObjects(1300)).toBe(true);
  expect(memory.chargeObjects(200)).toBe(false);
  expect(allocator.take()).toBeUndefined();
  memory.releaseObjects(1300);
  expect(allocator.take()).toBeDefined();
});

test('the n-th piece of memory fails where a test says so', () => {
  let n = 0;
  const memory = new DataMemory({ fails: () => ++n === 2 });
  const allocator = createSlabAllocator({ memory });
  const slab = present(allocator.take());
  expect(allocator.admit(slab, 1)).toBe(false);
  expect(slab.residentPages).toBe(0);
  expect(allocator.admit(slab, 1)).toBe(true);
  expect(memory.buffer(10)?.length).toBe(10);
  n = 1;
  expect(memory.buffer(10)).toBeUndefined();
});

test('a slab that is filled without having been taken dirty is a bug, as is memory released twice', () => {
  const memory = new DataMemory();
  expect(() => memory.release(1)).toThrow('nobody had charged');
});
