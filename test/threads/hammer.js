/** Runs in a thread of its own: puts or takes as fast as it can, and says what it saw. */

import { parentPort, workerData } from 'node:worker_threads';
import { ByteRing } from '../../dist/threads/byte-ring.js';
import { Doorbell, Sleeper } from '../../dist/threads/doorbell.js';
import { EventRing, Inbox, Outbox } from '../../dist/threads/event-ring.js';
import { Slot, Word } from '../../dist/threads/slot.js';

/** Of byte number `n`. */
const byteOf = (n) => (n * 167 + (n >>> 8)) & 0xff;

function put(ring, total) {
  const chunk = new Uint8Array(5000);
  for (let done = 0, round = 0; done < total; round++) {
    const length = Math.min(1 + ((round * 2971) % chunk.length), total - done);
    for (let i = 0; i < length; i++) chunk[i] = byteOf(done + i);
    for (let at = 0; at < length; ) at += ring.push(chunk.subarray(0, length), at);
    done += length;
  }
  return 'all put';
}

function take(ring, total) {
  for (let done = 0, round = 0; done < total; round++) {
    const front = ring.front(1 + ((round * 1361) % 7000));
    for (let i = 0; i < front.length; i++) {
      if (front[i] !== byteOf(done + i)) return `byte ${done + i} is ${front[i]}`;
    }
    ring.take(front.length);
    done += front.length;
  }
  return 'all taken';
}

/** Every number of a slot's counter must be answered: a wake-up that is lost stops everything. */
function echo({ ids, there, back, bells, mine, other, slots }) {
  const words = new Int32Array(bells);
  const sleeper = new Sleeper(words, mine);
  const doorbell = new Doorbell(words, other, () => {
    Atomics.add(words, other + 1, 1);
    Atomics.notify(words, other + 1);
  });
  const known = Array.from({ length: ids }, (_, id) => new Slot(id, slots[id]));
  const outbox = new Outbox(new EventRing(back), doorbell, Word.TO_MAIN);
  let heard = 0;
  const inbox = new Inbox(
    new EventRing(there),
    Word.TO_WORKER,
    (id) => known[id],
    (slot, bits) => {
      heard++;
      outbox.raise(slot, bits);
    },
  );
  parentPort.postMessage('ready');
  for (;;) {
    inbox.drain();
    if (Atomics.load(words, mine + 2) === 1) return `heard ${heard}`;
    const seen = Atomics.load(words, mine + 1);
    // Whoever rings adds to the word first, so that this does not sleep.
    if (sleeper.sleep(() => inbox.empty)) Atomics.wait(words, mine + 1, seen);
  }
}

const { what, positions, bytes, total } = workerData;
if (what === 'echo') parentPort.postMessage(echo(workerData));
else {
  const ring = new ByteRing(new Int32Array(positions), 0, new Uint8Array(bytes));
  parentPort.postMessage(what === 'put' ? put(ring, total) : take(ring, total));
}
