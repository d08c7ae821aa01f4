import { expect, test } from 'vitest';
import { retire } from '../../src/pages/layers.ts';
import { pin, unpin } from '../../src/pages/pin.ts';
import { Slab } from '../../src/pages/slab.ts';
import { CountingAllocator } from './counting-allocator.ts';

function taken(allocator: CountingAllocator): Slab {
  const slab = allocator.take();
  if (slab === undefined) throw new Error('no memory');
  return slab;
}

test('a retired slab goes home at once when nobody reads it', () => {
  const allocator = new CountingAllocator();
  const slab = taken(allocator);
  retire(slab, allocator);
  expect(allocator.live.size).toBe(0);
  expect(slab.retired).toBe(false); // ready for its next use
});

test('a retired slab goes home with its last pin, not before', () => {
  const allocator = new CountingAllocator();
  const slab = taken(allocator);
  pin(slab);
  pin(slab);
  retire(slab, allocator);
  unpin(slab, allocator);
  expect(allocator.live.has(slab)).toBe(true);
  unpin(slab, allocator);
  expect(allocator.live.has(slab)).toBe(false);
});

test('the last pin of a slab that is still in use leaves it there', () => {
  const allocator = new CountingAllocator();
  const slab = taken(allocator);
  pin(slab);
  unpin(slab, allocator);
  expect(allocator.live.has(slab)).toBe(true);
});

test('unpinning too often and retiring twice are bugs', () => {
  const allocator = new CountingAllocator();
  expect(() => unpin(new Slab(), allocator)).toThrow('unpinned more often');
  const slab = taken(allocator);
  pin(slab);
  retire(slab, allocator);
  expect(() => retire(slab, allocator)).toThrow('retired twice');
});
