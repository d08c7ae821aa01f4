/** The window against a plain list of bytes, used like a socket and a connection use it: a place is named
 *  right after bytes came, and when reading goes on that place is filled. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BUFFER_BYTES } from '../../src/server/buffer-pool.ts';
import { limits } from '../../src/server/limits.ts';
import { ReceiveWindow } from '../../src/server/window.ts';

const MAX = limits.receiveBuffer.max;
/** Of a request that is kept until it is whole. */
const HALF_MAX = limits.payloadInBuffer.max + 32;

function makeWindow(): ReceiveWindow {
  const bytes = new Uint8Array(BUFFER_BYTES);
  return new ReceiveWindow({ bytes, view: new DataView(bytes.buffer) });
}

/** How much comes at most, whether the client is then held with its requests in place, and how much of
 *  what is there is taken, by and by. */
const reads = fc.record({
  comes: fc.oneof(
    fc.constant(MAX),
    fc.integer({ min: 1, max: MAX }),
    fc.integer({ min: 1, max: 64 }),
  ),
  most: fc.oneof(fc.constant(MAX), fc.constant(32)),
  held: fc.boolean(),
  steps: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }),
  leaves: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: HALF_MAX })),
});

test('there is always a place for the next bytes, and they come out in order', () => {
  let fulls = 0;
  fc.assert(
    fc.property(fc.array(reads, { maxLength: 40 }), (list) => {
      const window = makeWindow();
      let [put, taken] = [0, 0];
      const take = (count: number): void => {
        for (const at of [0, count >> 1, count - 1]) {
          if (at < 0 || at >= count) continue;
          if (window.bytes[window.at + at] !== (taken + at) % 251) throw new Error('another byte');
        }
        window.at += count;
        taken += count;
      };
      let target = window.target();
      for (const { comes, most, held, steps, leaves } of list) {
        if (target.length === 0) throw new Error('an empty place');
        const length = Math.min(comes, target.length);
        for (let at = 0; at < length; at++) target[at] = (put + at) % 251;
        put += length;
        window.extend(length);
        if (!held) {
          take(Math.max(0, window.end - window.at - leaves));
          window.tidy();
        }
        target = window.target(most);
        if (window.end === MAX) fulls++;
        if (!held) continue;
        for (const part of steps) take(Math.floor((window.end - window.at) * part));
        take(Math.max(0, window.end - window.at - leaves));
        window.tidy();
      }
      expect(window.end - window.at).toBe(put - taken);
    }),
    { numRuns: 60 },
  );
  expect(fulls).toBeGreaterThan(0);
});

test('bytes that come although the window is full are a bug, not lost', () => {
  const window = makeWindow();
  window.target();
  window.extend(MAX);
  expect(window.target().length).toBeGreaterThan(0);
  expect(() => window.extend(1)).toThrow(/window is full/);
});
