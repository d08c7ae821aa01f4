import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteRing } from '../../src/threads/byte-ring.ts';
import { LINE_WORDS } from '../../src/units.ts';

/** Positions begin where they are about to overflow, or anywhere. */
const starts = fc.oneof(
  fc.constantFrom(0, 2 ** 31 - 5, -3, -(2 ** 31) + 2),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
);
const operations = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('push' as const), length: fc.nat(40), from: fc.nat(10) }),
    fc.record({ kind: fc.constant('put' as const), length: fc.nat(40) }),
    fc.record({ kind: fc.constant('take' as const), length: fc.nat(40) }),
  ),
  { maxLength: 60 },
);

test('a ring is a queue of bytes, wherever its positions stand', () => {
  fc.assert(
    fc.property(fc.constantFrom(1, 2, 16, 32), starts, operations, (capacity, start, steps) => {
      const words = new Int32Array(new SharedArrayBuffer(4 * 2 * LINE_WORDS));
      words[0] = words[LINE_WORDS] = start;
      const ring = new ByteRing(words, 0, new Uint8Array(new SharedArrayBuffer(capacity)));
      const model: number[] = [];
      let next = 0;
      const fresh = (length: number): Uint8Array =>
        Uint8Array.from({ length }, () => next++ & 0xff);
      for (const step of steps) {
        if (step.kind === 'push') {
          const bytes = fresh(step.from + step.length);
          const pushed = ring.push(bytes, step.from);
          expect(pushed).toBe(Math.min(step.length, capacity - model.length));
          model.push(...bytes.subarray(step.from, step.from + pushed));
        } else if (step.kind === 'put') {
          const place = ring.place();
          // Empty only when there is no room at all.
          expect(place.length > 0).toBe(model.length < capacity);
          const bytes = fresh(Math.min(step.length, place.length));
          place.set(bytes);
          ring.put(bytes.length);
          model.push(...bytes);
        } else {
          const front = ring.front(step.length);
          expect(front.length > 0).toBe(model.length > 0 && step.length > 0);
          expect([...front]).toEqual(model.slice(0, front.length));
          ring.take(front.length);
          model.splice(0, front.length);
        }
        expect([ring.used, ring.free]).toEqual([model.length, capacity - model.length]);
      }
    }),
  );
});

test('a place may be named before it is free, up to the end of the memory', () => {
  const words = new Int32Array(2 * LINE_WORDS);
  const ring = new ByteRing(words, 0, new Uint8Array(64));
  ring.push(new Uint8Array(64), 0);
  expect(ring.place().length).toBe(0);
  expect(ring.place(16).length).toBe(16);
  ring.take(64);
  ring.push(new Uint8Array(60), 0);
  expect(ring.place(16).length).toBe(4);
});

test('pieces of at most so many bytes', () => {
  const ring = new ByteRing(new Int32Array(2 * LINE_WORDS), 0, new Uint8Array(64));
  ring.push(new Uint8Array(50), 0);
  expect([ring.front(8).length, ring.front(100).length, ring.front(0).length]).toEqual([8, 50, 0]);
});
