import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { createSlabAllocator } from '../../src/pages/allocator.ts';
import {
  ALL_PAGES,
  markFull,
  PAGES_PER_SLAB,
  SLAB_BYTES,
  type Slab,
} from '../../src/pages/slab.ts';

function present(slab: Slab | undefined): Slab {
  if (slab === undefined) throw new Error('no memory');
  return slab;
}

test('a slab that was full of data comes back as zeros from take and takeFresh', () => {
  for (const poolSlabs of [0, 1]) {
    const allocator = createSlabAllocator({ poolSlabs });
    for (const take of [() => allocator.take(), () => allocator.takeFresh()]) {
      const slab = present(allocator.takeDirty());
      slab.bytes.fill(0xaa);
      markFull(slab);
      allocator.give(slab);
      const again = present(take());
      expect(again.bytes.every((byte) => byte === 0)).toBe(true);
      expect(again.heldPages).toBe(0);
      allocator.give(again);
    }
  }
});

test('a dirty slab given back half filled and unmarked still comes back as zeros', () => {
  const allocator = createSlabAllocator({ poolSlabs: 1 });
  const slab = present(allocator.takeDirty());
  slab.bytes.fill(0xaa, 5000, 70_000);
  allocator.give(slab);
  const again = present(allocator.take());
  expect(again).toBe(slab);
  expect(again.bytes.every((byte) => byte === 0)).toBe(true);
  expect(again.idlePages).toBe(PAGES_PER_SLAB);
});

test('the pool keeps the memory of as many slabs as it may, and no more', () => {
  const allocator = createSlabAllocator({ poolSlabs: 2 });
  const slabs = [1, 2, 3, 4].map(() => present(allocator.takeDirty()));
  for (const slab of slabs) slab.bytes.fill(1);
  for (const slab of slabs) allocator.give(slab);
  expect(allocator.freeBytes).toBe(2 * SLAB_BYTES);
  expect(present(allocator.takeFresh()).idlePages).toBe(0);
  expect(allocator.freeBytes).toBe(2 * SLAB_BYTES);
  present(allocator.take());
  expect(allocator.freeBytes).toBe(SLAB_BYTES);
});

test('a slab that never took memory is not kept in the pool', () => {
  const allocator = createSlabAllocator();
  const slab = present(allocator.take());
  allocator.give(slab);
  expect(allocator.freeBytes).toBe(0);
  expect(allocator.take()).toBe(slab);
});

test('a system without memory is an answer, not an exception', () => {
  const original = globalThis.ArrayBuffer;
  const allocator = createSlabAllocator();
  globalThis.ArrayBuffer = class extends original {
    constructor() {
      super(0);
      throw new RangeError('Array buffer allocation failed');
    }
  };
  try {
    expect(allocator.take()).toBeUndefined();
    expect(allocator.takeFresh()).toBeUndefined();
    expect(allocator.takeDirty()).toBeUndefined();
  } finally {
    globalThis.ArrayBuffer = original;
  }
  expect(allocator.take()).toBeDefined();
});

test('a slab whose memory the system will not take back, or not give again, is not lost', () => {
  const allocator = createSlabAllocator({ poolSlabs: 0 });
  const slab = present(allocator.takeDirty());
  slab.bytes.fill(1);
  const { buffer } = slab.bytes;
  if (!(buffer instanceof ArrayBuffer)) throw new Error('memory that threads share');
  const refuse = (length: number): void => {
    throw new RangeError(`cannot be resized to ${length}`);
  };
  buffer.resize = refuse;
  allocator.give(slab);
  expect(allocator.freeBytes).toBe(SLAB_BYTES); // kept although the pool is full
  expect(allocator.takeDirty()).toBe(slab);

  buffer.resize = (length: number) => {
    if (length > 0) refuse(length);
    ArrayBuffer.prototype.resize.call(buffer, length);
  };
  allocator.give(slab);
  expect(allocator.take()).toBeUndefined();
  Reflect.deleteProperty(buffer, 'resize');
  expect(allocator.take()).toBe(slab);
  expect(slab.bytes.length).toBe(SLAB_BYTES);
  expect(slab.bytes.every((byte) => byte === 0)).toBe(true);
});

test('slabs without memory stay shrunk, up to a number, and are whole when they are used again', () => {
  const allocator = createSlabAllocator({ poolSlabs: 0, shrunkSlabs: 2 });
  const lengths = (slabs: readonly Slab[]) => slabs.map(({ bytes }) => bytes.buffer.byteLength);
  const slabs = [1, 2, 3].map(() => present(allocator.takeDirty()));
  for (const slab of slabs) allocator.give(slab);
  expect(lengths(slabs)).toEqual([0, 0, SLAB_BYTES]);
  const again = slabs.map(() => present(allocator.take()));
  expect(new Set(again)).toEqual(new Set(slabs));
  expect(lengths(again)).toEqual(slabs.map(() => SLAB_BYTES));
  for (const slab of slabs) {
    allocator.admit(slab, ALL_PAGES);
    allocator.give(slab);
  }
  expect(lengths(slabs)).toEqual([0, 0, SLAB_BYTES]);
});

/** Measured: 20 and 22 do not, 24 and 26 do. */
const v8CountsShrinking = Number.parseInt(process.versions.node, 10) >= 24;

describe('how often returning the memory of 256 MiB makes V8 collect', () => {
  const collect: unknown = (() => {
    setFlagsFromString('--expose-gc');
    return runInNewContext('gc');
  })();

  async function majorCollections(shrunkSlabs: number): Promise<number> {
    let count = 0;
    const allocator = createSlabAllocator({ poolSlabs: 0, shrunkSlabs });
    const slabs = Array.from({ length: 2048 }, () => present(allocator.takeDirty()));
    if (typeof collect === 'function') collect();
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntriesByType('gc')) {
        if (isMajor(Reflect.get(entry, 'detail'))) count++;
      }
    });
    await setImmediate();
    observer.observe({ entryTypes: ['gc'] });
    for (const [at, slab] of slabs.entries()) {
      allocator.give(slab);
      if (at % 64 === 0) await setImmediate(); // marking ends in tasks of its own
    }
    for (let turn = 0; turn < 3; turn++) await setImmediate(); // entries are delivered later
    observer.disconnect();
    return count;
  }

  test('shrunk: next to never', async () => {
    expect(await majorCollections(2048)).toBeLessThanOrEqual(1);
  });

  test('a canary: grown again at once, for each 64 MiB, where V8 does not count what is shrunk', async () => {
    const count = await majorCollections(0);
    if (v8CountsShrinking) expect(count).toBeLessThanOrEqual(1);
    else expect(count).toBeGreaterThanOrEqual(2);
  });
});

function isMajor(detail: unknown): boolean {
  const { NODE_PERFORMANCE_GC_MAJOR: major } = constants;
  return typeof detail === 'object' && detail !== null && 'kind' in detail && detail.kind === major;
}

test('giving back a slab that is being read is a bug', () => {
  const allocator = createSlabAllocator();
  const slab = present(allocator.take());
  slab.pins = 1;
  expect(() => allocator.give(slab)).toThrow('1 pins');
});

describe('with a later', () => {
  function filled(count: number) {
    let asked = 0;
    const later = (): void => {
      asked++;
    };
    const allocator = createSlabAllocator({ poolSlabs: 2, later });
    const slabs = Array.from({ length: count }, () => present(allocator.takeDirty()));
    for (const slab of slabs) {
      markFull(slab);
      allocator.give(slab);
    }
    return { allocator, asked: () => asked };
  }

  test('memory beyond the pool waits until it is returned, some at a time', () => {
    const { allocator, asked } = filled(7);
    expect(asked()).toBe(5);
    expect(allocator.freeBytes).toBe(7 * SLAB_BYTES);
    expect(allocator.returnSome(3)).toBe(true);
    expect(allocator.freeBytes).toBe(4 * SLAB_BYTES);
    expect(allocator.returnSome(3)).toBe(false);
    expect(allocator.freeBytes).toBe(2 * SLAB_BYTES);
    expect(allocator.returnSome(3)).toBe(false);
  });

  test('what waits is used again before new memory is asked for', () => {
    const { allocator } = filled(5);
    for (let n = 0; n < 5; n++) allocator.take();
    expect(allocator.freeBytes).toBe(0);
  });
});
