/** Bytes from one thread to another in shared memory: one thread puts, one takes, nobody waits. Each
 *  owns one of two positions, which count bytes for ever (modulo 2^32) and stand in words of shared
 *  memory; the bytes between them are the taker's. */

import { copyBytes } from '../pages/copy-bytes.ts';
import { LINE_WORDS } from '../units.ts';

/** INVARIANT: 0 <= head - tail <= capacity. Storing a position hands over what is behind it: stores of
 *  Atomics are seen in order, with all that was written before. */
export class ByteRing {
  readonly capacity: number;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #head: number;
  readonly #tail: number;

  /** @param words where the positions stand, at `at` and at `at + LINE_WORDS`.
   *  @param bytes as many as a power of two. */
  constructor(words: Int32Array, at: number, bytes: Uint8Array) {
    this.capacity = bytes.length;
    this.#bytes = bytes;
    this.#words = words;
    this.#head = at;
    this.#tail = at + LINE_WORDS;
  }

  /** How much was ever put, modulo 2^32. */
  get head(): number {
    return Atomics.load(this.#words, this.#head);
  }

  /** How much of that was ever taken, modulo 2^32. */
  get tail(): number {
    return Atomics.load(this.#words, this.#tail);
  }

  get used(): number {
    return (Atomics.load(this.#words, this.#head) - Atomics.load(this.#words, this.#tail)) | 0;
  }

  get free(): number {
    return this.capacity - this.used;
  }

  /** Forgets what is in it; for when one thread has it to itself. */
  reset(): void {
    Atomics.store(this.#words, this.#head, 0);
    Atomics.store(this.#words, this.#tail, 0);
  }

  /** Where the putter may write next, in one piece.
   *  @param least so long although it is not free, but for the end of the memory: for who must name a
   *  place long before he writes there. */
  place(least = 0): Uint8Array {
    const at = Atomics.load(this.#words, this.#head) & (this.capacity - 1);
    const length = Math.max(this.free, least);
    return this.#bytes.subarray(at, Math.min(this.capacity, at + length));
  }

  /** `length` bytes were written where `place` said. */
  put(length: number): void {
    Atomics.store(this.#words, this.#head, (Atomics.load(this.#words, this.#head) + length) | 0);
  }

  /** Copies from `source` what fits, from its byte `from` on. @returns how much. */
  push(source: Uint8Array, from: number): number {
    let at = from;
    // The place may be in two pieces.
    for (let piece = 0; piece < 2 && at < source.length; piece++) {
      const place = this.place();
      const length = Math.min(place.length, source.length - at);
      if (length === 0) break;
      const whole = at === 0 && length === source.length;
      copyBytes(place, whole ? source : source.subarray(at, at + length));
      this.put(length);
      at += length;
    }
    return at - from;
  }

  /** What the taker may read next, in one piece of at most `most` bytes. */
  front(most: number): Uint8Array {
    const at = Atomics.load(this.#words, this.#tail) & (this.capacity - 1);
    return this.#bytes.subarray(at, Math.min(this.capacity, at + Math.min(this.used, most)));
  }

  /** The first `length` bytes of `front` are needed no more. */
  take(length: number): void {
    Atomics.store(this.#words, this.#tail, (Atomics.load(this.#words, this.#tail) + length) | 0);
  }
}
