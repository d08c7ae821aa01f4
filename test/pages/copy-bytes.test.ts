import { expect, test } from 'vitest';
import { copyBytes } from '../../src/pages/copy-bytes.ts';

const kinds = [ArrayBuffer, SharedArrayBuffer] as const;

test.each(kinds.flatMap((to) => kinds.map((from) => [from.name, to.name, from, to] as const)))(
  'from %s to %s: as long as the source, whatever the alignment',
  (_, __, From, To) => {
    for (const length of [0, 1, 511, 512, 513, 70_000]) {
      for (const [fromAt, toAt] of [
        [0, 0],
        [8, 0],
        [3, 5],
        [20, 1],
      ] as const) {
        const source = new Uint8Array(new From(length + 100), fromAt, length);
        const memory = new Uint8Array(new To(length + 100)).fill(0xee);
        for (let at = 0; at < length; at++) source[at] = (at * 31) & 0xff;
        copyBytes(memory.subarray(toAt, toAt + length + 9), source);
        const want = new Uint8Array(length + 100).fill(0xee);
        want.set(source, toAt);
        expect(Buffer.compare(memory, want)).toBe(0);
      }
    }
  },
);
