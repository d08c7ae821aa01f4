/** Bytes on their way out: in order, in few pieces, and in memory that is not kept. */

import { expect, test } from 'vitest';
import { Outgoing } from '../src/outgoing.ts';

function outgoing(send: (bytes: Uint8Array) => unknown = () => {}) {
  const sent: number[][] = [];
  const failed: unknown[] = [];
  let done = 0;
  const out = new Outgoing(
    (bytes) => {
      sent.push([...bytes]);
      return send(bytes);
    },
    () => done++,
    (error) => failed.push(error),
  );
  return { out, sent, failed, done: () => done };
}

test('messages go in order, those of one chunk in one piece', () => {
  const { out, sent, done } = outgoing();
  out.append(Uint8Array.of(1, 2));
  out.appendZeros(1);
  out.append(Uint8Array.of(3));
  expect(out.empty).toBe(false);
  out.flush();
  expect(sent).toEqual([[1, 2, 0, 3]]);
  out.flush();
  expect(sent).toHaveLength(1);
  expect([done(), out.empty]).toEqual([2, true]);
});

test('what was handed over is never written to again', () => {
  const kept: Uint8Array[] = [];
  const { out } = outgoing((bytes) => kept.push(bytes));
  for (let value = 0; value < 3000; value++) {
    out.append(Uint8Array.of(value & 0xff));
    if (value % 7 === 0) out.flush();
  }
  out.flush();
  const bytes = kept.flatMap((one) => [...one]);
  expect(bytes).toEqual(Array.from({ length: 3000 }, (_, value) => value & 0xff));
});

test('zeros are zeros also where something was', () => {
  const { out, sent } = outgoing();
  out.append(new Uint8Array(100).fill(7));
  out.flush();
  out.appendZeros(1000);
  out.flush();
  expect(sent.slice(1).flat()).toEqual(Array.from({ length: 1000 }, () => 0));
});

test('what one long message needed is not kept', () => {
  const { out } = outgoing();
  out.appendZeros(1 << 20);
  out.flush();
  expect(out.bytes.length).toBe(0);
  out.append(Uint8Array.of(1));
  expect(out.bytes.length).toBeLessThanOrEqual(64 * 1024);
});

test('a promise holds the next piece back, a failure is told, and nothing goes behind the end', async () => {
  let go: () => void = () => {};
  const { out, sent, failed } = outgoing((bytes) =>
    bytes.length === 1 ? new Promise<void>((resolve) => (go = resolve)) : Promise.reject('lost'),
  );
  out.append(Uint8Array.of(1));
  out.flush();
  out.append(Uint8Array.of(2, 3));
  out.flush();
  expect([sent, out.held]).toEqual([[[1]], true]);
  go();
  await new Promise(setImmediate);
  expect([sent, failed]).toEqual([[[1], [2, 3]], ['lost']]);
  out.close();
  out.append(Uint8Array.of(4));
  out.flush();
  out.flushSoon();
  await new Promise(setImmediate);
  expect(sent).toHaveLength(2);
});
