/** Two real threads at one ring: what one puts the other takes, every byte and every event of it. */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { Doorbell, Sleeper } from '../../src/threads/doorbell.ts';
import { EVENT_RING_BYTES, EventRing, Inbox, Outbox } from '../../src/threads/event-ring.ts';
import { Slot, Word } from '../../src/threads/slot.ts';
import { LINE_WORDS } from '../../src/units.ts';

function hammer(workerData: object): Worker {
  const worker = new Worker(new URL('./hammer.js', import.meta.url), { workerData });
  onTestFinished(async () => void (await worker.terminate()));
  return worker;
}

test.each([
  [64, 200_000],
  [4096, 5_000_000],
  [262_144, 30_000_000],
])('through a ring of %i bytes go %i in order', async (capacity, total) => {
  const positions = new SharedArrayBuffer(8 * LINE_WORDS);
  new Int32Array(positions).fill(2 ** 31 - 1000); // they overflow on the way
  const shared = { positions, bytes: new SharedArrayBuffer(capacity), total };
  const [put, take] = [hammer({ what: 'put', ...shared }), hammer({ what: 'take', ...shared })];
  const said = await Promise.all([once(put, 'message'), once(take, 'message')]);
  expect(said.flat()).toEqual(['all put', 'all taken']);
});

test('no event and no wake-up is lost between threads that fall asleep all the time', async () => {
  const ids = 5;
  const slots = Array.from({ length: ids }, (_, id) => new Slot(id));
  const [there, back] = [
    new SharedArrayBuffer(EVENT_RING_BYTES),
    new SharedArrayBuffer(EVENT_RING_BYTES),
  ];
  const bells = new SharedArrayBuffer(8 * LINE_WORDS);
  const words = new Int32Array(bells);
  const [mine, other] = [0, LINE_WORDS];
  const memory = slots.map((slot) => slot.memory);
  const shared = { ids, there, back, bells, slots: memory };
  const worker = hammer({ what: 'echo', ...shared, mine: other, other: mine });
  await once(worker, 'message');
  const sleeper = new Sleeper(words, mine);
  const ring = (): void => {
    Atomics.add(words, other + 1, 1);
    Atomics.notify(words, other + 1);
  };
  const outbox = new Outbox(new EventRing(there), new Doorbell(words, other, ring), Word.TO_WORKER);
  const answered = new Int32Array(ids);
  const inbox = new Inbox(
    new EventRing(back),
    Word.TO_MAIN,
    (id) => slots[id],
    ({ id }) => {
      answered[id] = 1;
    },
  );
  for (let round = 0; round < 50_000; round++) {
    answered.fill(0);
    const asked = 1 + (round % ids);
    for (let id = 0; id < asked; id++) outbox.raise(slots[id] ?? new Slot(id), 1);
    while (answered.subarray(0, asked).some((one) => one === 0)) {
      inbox.drain();
      const seen = Atomics.load(words, mine + 1);
      if (!sleeper.sleep(() => inbox.empty)) continue;
      if (answered.subarray(0, asked).every((one) => one === 1)) break;
      expect(Atomics.wait(words, mine + 1, seen, 120_000)).not.toBe('timed-out');
    }
  }
  Atomics.store(words, other + 2, 1);
  ring();
  const [said] = await once(worker, 'message');
  expect(said).toMatch(/^heard \d+$/);
});
