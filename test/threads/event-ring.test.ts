import { expect, test } from 'vitest';
import { Doorbell, Sleeper } from '../../src/threads/doorbell.ts';
import { EVENT_RING_BYTES, EventRing, Inbox, Outbox } from '../../src/threads/event-ring.ts';
import { Slot, Word } from '../../src/threads/slot.ts';

function joined() {
  const words = new Int32Array(1);
  const sleeper = new Sleeper(words, 0);
  let rings = 0;
  const memory = new SharedArrayBuffer(EVENT_RING_BYTES);
  const doorbell = new Doorbell(words, 0, () => rings++);
  const outbox = new Outbox(new EventRing(memory), doorbell, Word.TO_MAIN);
  const slots = [new Slot(0), new Slot(1)];
  const heard: [number, number][] = [];
  const inbox = new Inbox(
    new EventRing(memory),
    Word.TO_MAIN,
    (id) => slots[id],
    ({ id }, bits) => heard.push([id, bits]),
  );
  const [zero = new Slot(0), one = new Slot(1)] = slots;
  return { sleeper, outbox, inbox, zero, one, heard, rings: () => rings };
}

test('what a slot says at several times is heard at once, in the order of slots', () => {
  const { outbox, inbox, zero, one, heard } = joined();
  outbox.raise(one, 1);
  outbox.raise(zero, 2);
  outbox.raise(one, 4);
  expect(inbox.empty).toBe(false);
  inbox.drain();
  expect(heard).toEqual([
    [1, 5],
    [0, 2],
  ]);
  expect(inbox.empty).toBe(true);
  inbox.drain();
  expect(heard).toHaveLength(2);
});

test('however often slots speak, each stands in the ring once', () => {
  const { outbox, inbox, zero, one, heard } = joined();
  for (let n = 0; n < 1_000_000; n++) outbox.raise(n & 1 ? one : zero, 1 << (n % 5));
  inbox.drain();
  expect(heard).toHaveLength(2);
});

test('the ring goes round, and nothing is lost', () => {
  const { outbox, inbox, zero, heard } = joined();
  for (let n = 0; n < 600_000; n++) {
    outbox.raise(zero, 1);
    inbox.drain();
  }
  expect(heard).toHaveLength(600_000); // more than twice round
});

test('what comes while others are heard has its turn later', () => {
  const memory = new SharedArrayBuffer(EVENT_RING_BYTES);
  const doorbell = new Doorbell(new Int32Array(1), 0, () => {});
  const outbox = new Outbox(new EventRing(memory), doorbell, Word.TO_WORKER);
  const slot = new Slot(0);
  let times = 0;
  const inbox = new Inbox(
    new EventRing(memory),
    Word.TO_WORKER,
    () => slot,
    () => {
      times++;
      outbox.raise(slot, 1);
    },
  );
  outbox.raise(slot, 1);
  inbox.drain();
  expect(times).toBe(1);
  expect(inbox.empty).toBe(false);
});

test('a sleeper is woken once, and who is awake is not', () => {
  const { sleeper, outbox, inbox, zero, one, rings } = joined();
  outbox.raise(zero, 1); // it begins asleep
  outbox.raise(one, 1);
  expect(rings()).toBe(1);
  expect(sleeper.sleep(() => inbox.empty)).toBe(false);
  outbox.raise(zero, 2);
  expect(rings()).toBe(1);
  inbox.drain();
  expect(sleeper.sleep(() => inbox.empty)).toBe(true);
  outbox.raise(zero, 2);
  expect(rings()).toBe(2);
  inbox.drain();
  expect(sleeper.sleep(() => inbox.empty)).toBe(true);
  sleeper.wake();
  outbox.raise(zero, 2);
  expect(rings()).toBe(2);
});

test('a slot is as new for the next client', () => {
  const slot = new Slot(3);
  slot.text = 'why ü';
  expect(slot.text).toBe('why ü');
  slot.receive.push(Uint8Array.of(1, 2), 0);
  slot.send.push(Uint8Array.of(1, 2), 0);
  for (const word of Object.values(Word)) Atomics.store(slot.words, word, 1);
  slot.reset();
  expect([slot.text, slot.receive.used, slot.send.used]).toEqual(['', 0, 0]);
  expect(slot.words.every((word) => word === 0)).toBe(true);
});
