import { describe, expect, test } from 'vitest';
import { DataMemory } from '../../src/pages/memory.ts';
import { BUFFER_BYTES, BufferPool, type PooledBuffer } from '../../src/server/buffer-pool.ts';
import { FakeScheduler } from './fake-scheduler.ts';

/** Buffers of the first arena, and of each other. */
const FIRST = 16;
const PER_ARENA = 128;

function world(memory = new DataMemory()) {
  const scheduler = new FakeScheduler();
  let collections = 0;
  const pool = new BufferPool(memory, scheduler, () => void collections++);
  const take = (count: number): PooledBuffer[] =>
    Array.from({ length: count }, () => pool.take() ?? expect.fail('there is memory'));
  return { scheduler, pool, take, collections: () => collections };
}

describe('buffers', () => {
  test('none is handed out twice, and none shares bytes with another', () => {
    const { pool, take } = world();
    const count = FIRST + PER_ARENA + 1;
    const buffers = take(count);
    expect(new Set(buffers).size).toBe(count);
    expect(pool.arenas).toBe(3);
    for (const [at, { bytes }] of buffers.entries()) bytes.fill(at % 251);
    for (const [at, { bytes, view }] of buffers.entries()) {
      const ends = [bytes[0], view.getUint8(bytes.length - 1)];
      expect(ends).toEqual([at % 251, at % 251]);
    }
  });

  test('malloc maps an arena that goes back by itself: it is above the highest threshold', () => {
    const buffers = world().take(FIRST + 1);
    const sizes = buffers.map(({ bytes }) => bytes.buffer.byteLength);
    expect(sizes.slice(0, FIRST)).toEqual(Array(FIRST).fill(FIRST * BUFFER_BYTES));
    expect(sizes[FIRST]).toBeGreaterThan(32 * 2 ** 20);
  });

  test('large arenas without a buffer in use go after a while, all but one, and are collected', () => {
    const { scheduler, pool, take, collections } = world();
    const buffers = take(FIRST + 3 * PER_ARENA);
    const used = buffers[FIRST];
    for (const buffer of buffers) if (buffer !== used) pool.give(buffer);
    expect(pool.arenas).toBe(4);
    scheduler.advance(5000);
    expect([pool.arenas, collections()]).toEqual([3, 1]);
    // The oldest is used first.
    const next = take(FIRST + 1).map(({ bytes }) => bytes.buffer);
    expect(next[0]).toBe(buffers[0]?.bytes.buffer);
    expect(next[FIRST]).toBe(used?.bytes.buffer);
  });

  test('a few clients that come and go never cost a collection', () => {
    const { scheduler, pool, take, collections } = world();
    for (let n = 0; n < 10; n++) {
      for (const buffer of take(100)) pool.give(buffer);
      scheduler.advance(10_000);
    }
    expect([pool.arenas, collections()]).toEqual([2, 0]);
  });

  test('without memory there is none, and later there is', () => {
    let fails = true;
    const { pool } = world(new DataMemory({ fails: () => fails }));
    expect(pool.take()).toBeUndefined();
    fails = false;
    expect(pool.take()).toBeDefined();
  });

  test('what goes into the void is nobody to give back', () => {
    const { pool, take } = world();
    pool.give(pool.void);
    expect(take(1)[0]).not.toBe(pool.void);
  });
});
