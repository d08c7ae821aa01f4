import fc from 'fast-check';
import { expect, test } from 'vitest';
import { zeroView } from '../../src/pages/pin.ts';
import { SLAB_BYTES, Slab } from '../../src/pages/slab.ts';
import { PageViews } from '../../src/pages/views.ts';
import { testRuns } from '../test-runs.ts';
import { CountingAllocator } from './counting-allocator.ts';

const slabs = [1, 2, 3].map((value) => {
  const slab = new Slab();
  for (let i = 0; i < SLAB_BYTES; i++) slab.bytes[i] = (value * 83 + i * 7 + (i >> 8)) & 0xff;
  return slab;
});

const piece = fc.record({
  slab: fc.option(fc.constantFrom(...slabs), { nil: undefined }),
  start: fc.integer({ min: 0, max: 5000 }),
  length: fc.integer({ min: 1, max: 600 }),
});

function content(views: PageViews): Buffer {
  const parts: Uint8Array[] = [];
  for (let i = 0; i < views.count; i++) {
    parts.push((views.buffers[i] ?? zeroView).subarray(views.starts[i], views.ends[i]));
  }
  return Buffer.concat(parts);
}

test('trimmed views show the middle of what was added, and pin exactly what they show', () => {
  // One object for all runs, since that is how it is used.
  const views = new PageViews(new CountingAllocator());
  const run = fc.property(fc.array(piece, { maxLength: 8 }), fc.nat(), fc.nat(), (pieces, a, b) => {
    const parts: Uint8Array[] = [];
    for (const { slab, start, length } of pieces) {
      views.add(slab, start, start + length);
      parts.push((slab?.bytes ?? new Uint8Array(SLAB_BYTES)).subarray(start, start + length));
    }
    const whole = Buffer.concat(parts);
    expect(views.bytes).toBe(whole.length);
    const head = a % (whole.length + 1);
    const tail = b % (whole.length - head + 1);
    views.trim(head, tail);
    expect(views.bytes).toBe(whole.length - head - tail);
    expect(content(views).equals(whole.subarray(head, whole.length - tail))).toBe(true);
    for (let i = 0; i < views.count; i++) {
      expect(views.starts[i]).toBeLessThan(views.ends[i] ?? 0);
    }
    for (const slab of slabs) {
      const shown = views.buffers.slice(0, views.count).filter((bytes) => bytes === slab.bytes);
      expect(slab.pins).toBe(shown.length);
    }
    views.release();
    expect([views.count, views.bytes, ...slabs.map((slab) => slab.pins)]).toEqual([0, 0, 0, 0, 0]);
  });
  fc.assert(run, { numRuns: testRuns(500) });
});

test('released views keep no slab from being collected', () => {
  const views = new PageViews(new CountingAllocator());
  for (const slab of slabs) views.add(slab, 0, 10);
  views.trim(15, 0);
  views.release();
  expect(views.buffers.every((bytes) => bytes === zeroView)).toBe(true);
});

test('empty views and trimming more than there is are bugs', () => {
  const views = new PageViews(new CountingAllocator());
  expect(() => views.add(undefined, 5, 5)).toThrow('empty view');
  views.add(undefined, 0, 10);
  expect(() => views.trim(6, 5)).toThrow('cannot trim');
  expect(() => views.trim(-1, 0)).toThrow('cannot trim');
});
