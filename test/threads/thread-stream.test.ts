/** What the main thread can tell of a client whose socket is in another. */

import { expect, test } from 'vitest';
import { Doorbell } from '../../src/threads/doorbell.ts';
import { EVENT_RING_BYTES, EventRing, Outbox } from '../../src/threads/event-ring.ts';
import { SEND_BYTES, Slot, Word } from '../../src/threads/slot.ts';
import { ThreadStream } from '../../src/threads/thread-stream.ts';

const sink = {
  target: () => new Uint8Array(1),
  received: () => true,
  ended: () => {},
  written: () => {},
  closed: () => {},
};

function stream(): [ThreadStream, Slot] {
  const doorbell = new Doorbell(new Int32Array(1), 0, () => {});
  const ring = new EventRing(new SharedArrayBuffer(EVENT_RING_BYTES));
  const outbox = new Outbox(ring, doorbell, Word.TO_WORKER);
  const host = { outbox, ready: () => {}, gone: () => {}, offer: () => {} };
  const slot = new Slot(0);
  return [new ThreadStream(slot, sink, undefined, host), slot];
}

test('a client has moved when it takes bytes, not when there are more for it', () => {
  const [client, slot] = stream();
  client.write([new Uint8Array(1000)]);
  const before = client.taken;
  client.write([new Uint8Array(1000)]);
  client.write([new Uint8Array(SEND_BYTES)]);
  expect(client.taken).toBe(before);
  expect(client.unsent).toBe(2000 + SEND_BYTES);
  slot.send.take(10);
  const after = client.taken;
  expect(after).not.toBe(before);
  // A part of a long write.
  Atomics.store(slot.words, Word.TAKEN, 300);
  expect(client.taken).not.toBe(after);
});

test('of replies that its own thread sends as well', () => {
  const [client, slot] = stream();
  Atomics.store(slot.words, Word.OWN_UNSENT, 5000);
  const before = client.taken;
  Atomics.store(slot.words, Word.OWN_UNSENT, 4000);
  expect(client.taken).not.toBe(before);
  expect(client.taken).toBeGreaterThanOrEqual(0);
});
