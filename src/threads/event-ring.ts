/** Who has something to say: numbers of slots from one thread to another. What a slot has to say are
 *  bits in its own memory, so that it stands in the ring once, however often it speaks: the ring is
 *  never full. */

import { bug, LINE_WORDS } from '../units.ts';
import type { Doorbell } from './doorbell.ts';
import type { Slot } from './slot.ts';

/** A power of two. */
const CAPACITY = 2 ** 18;
const ENTRIES_AT = 2 * LINE_WORDS;

/** A slot that was given to the next client may stand there once more for the one before. */
export const SLOTS_MAX = CAPACITY / 4;

export const EVENT_RING_BYTES = 4 * (ENTRIES_AT + CAPACITY);

/** INVARIANT: 0 <= head - tail <= CAPACITY; the positions count for ever, modulo 2^32. */
export class EventRing {
  readonly #words: Int32Array;

  /** @param memory of `EVENT_RING_BYTES`. */
  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  get length(): number {
    return (Atomics.load(this.#words, 0) - Atomics.load(this.#words, LINE_WORDS)) | 0;
  }

  push(id: number): void {
    if (this.length >= CAPACITY) bug('more events than slots');
    const head = Atomics.load(this.#words, 0);
    this.#words[ENTRIES_AT + (head & (CAPACITY - 1))] = id;
    Atomics.store(this.#words, 0, (head + 1) | 0);
  }

  /** @returns -1 when there is nothing. */
  pop(): number {
    if (this.length === 0) return -1;
    const tail = Atomics.load(this.#words, LINE_WORDS);
    const id = this.#words[ENTRIES_AT + (tail & (CAPACITY - 1))] ?? -1;
    Atomics.store(this.#words, LINE_WORDS, (tail + 1) | 0);
    return id;
  }
}

/** The way in which one thread tells another. */
export class Outbox {
  readonly #ring: EventRing;
  readonly #doorbell: Doorbell;
  /** Which word of a slot has the bits for this direction. */
  readonly #word: number;

  constructor(ring: EventRing, doorbell: Doorbell, word: number) {
    this.#ring = ring;
    this.#doorbell = doorbell;
    this.#word = word;
  }

  /** Whoever stands in the ring already will be asked after these bits were set. */
  raise(slot: Slot, bits: number): void {
    if (Atomics.or(slot.words, this.#word, bits) !== 0) return;
    this.#ring.push(slot.id);
    this.#doorbell.knock();
  }
}

/** Its other end. */
export class Inbox {
  readonly #ring: EventRing;
  readonly #word: number;
  readonly #slotOf: (id: number) => Slot | undefined;
  readonly #happened: (slot: Slot, bits: number) => void;

  constructor(
    ring: EventRing,
    word: number,
    slotOf: (id: number) => Slot | undefined,
    happened: (slot: Slot, bits: number) => void,
  ) {
    this.#ring = ring;
    this.#word = word;
    this.#slotOf = slotOf;
    this.#happened = happened;
  }

  get empty(): boolean {
    return this.#ring.length === 0;
  }

  /** Hands on what is there now: what comes meanwhile has its turn later. */
  drain(): void {
    for (let left = this.#ring.length; left > 0; left--) {
      const slot = this.#slotOf(this.#ring.pop());
      // It stood there once more for its last client, and is given back since.
      if (slot === undefined) continue;
      const bits = Atomics.exchange(slot.words, this.#word, 0);
      if (bits !== 0) this.#happened(slot, bits);
    }
  }
}
