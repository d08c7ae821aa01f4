import { describe, expect, test } from 'vitest';
import { DataMemory } from '../../src/pages/memory.ts';
import { BufferPool, type PooledBuffer } from '../../src/server/buffer-pool.ts';
import { FakeScheduler } from './fake-scheduler.ts';

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
    const buffers = take(PER_ARENA + 1);
    expect(new Set(buffers).size).toBe(PER_ARENA + 1);
    expect(pool.arenas).toBe(2);
    for (const [at, { bytes }] of buffers.entries()) bytes.fill(at % 251);
    for (const [at, { bytes, view }] of buffers.entries()) {
      const ends = [bytes[0], view.getUint8(bytes.length - 1)];
      expect(ends).toEqual([at % 251, at % 251]);
    }
  });

  test('malloc maps an arena by itself: it is above the highest threshold', () => {
    const [buffer] = world().take(1);
    expect(buffer?.bytes.buffer.byteLength).toBeGreaterThan(32 * 2 ** 20);
  });

  test('arenas without a buffer in use go after a while, all but one, and are collected', () => {
    const { scheduler, pool, take, collections } = world();
    const buffers = take(3 * PER_ARENA);
    for (const buffer of buffers.slice(1)) pool.give(buffer);
    expect(pool.arenas).toBe(3);
    scheduler.advance(5000);
    expect([pool.arenas, collections()]).toEqual([2, 1]);
    // The oldest is used first.
    expect(take(1)[0]?.bytes.buffer).toBe(buffers[0]?.bytes.buffer);
  });

  test('a few clients that come and go never cost a collection', () => {
    const { scheduler, pool, take, collections } = world();
    for (let n = 0; n < 10; n++) {
      for (const buffer of take(100)) pool.give(buffer);
      scheduler.advance(10_000);
    }
    expect([pool.arenas, collections()]).toEqual([1, 0]);
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
