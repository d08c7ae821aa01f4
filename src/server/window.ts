/** The bytes of one client that were received and not yet consumed: [at, end) of one buffer that is
 *  used again and again. Knows no protocol. */

import { bug } from '../units.ts';
import type { PooledBuffer } from './buffer-pool.ts';
import { limits } from './limits.ts';

/** The buffer is longer: the socket asks for a place for its next bytes also when it is paused and the
 *  window is full. They go behind the window then, and into it when they have come: so there is a place
 *  at any time. */
const WINDOW_BYTES = limits.receiveBuffer.max;

/** INVARIANT: at <= end <= WINDOW_BYTES; bytes between them stay where they are until `tidy` or `extend`. */
export class ReceiveWindow {
  readonly buffer: PooledBuffer;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The place for the next bytes of nearly every read: of an empty window. */
  readonly #whole: Uint8Array;
  at = 0;
  end = 0;
  /** Where the socket was told to put the next bytes; WINDOW_BYTES: behind the window. */
  #targetAt = 0;

  constructor(buffer: PooledBuffer) {
    this.buffer = buffer;
    this.bytes = buffer.bytes;
    this.view = buffer.view;
    this.#whole = buffer.bytes.subarray(0, WINDOW_BYTES);
  }

  get empty(): boolean {
    return this.at === this.end;
  }

  /** A place for the next bytes, never an empty one; for so many of them that there are `most`. */
  target(most: number = WINDOW_BYTES): Uint8Array {
    this.#targetAt = this.end;
    if (this.end === 0 && most >= WINDOW_BYTES) return this.#whole;
    if (this.end === WINDOW_BYTES) return this.bytes.subarray(WINDOW_BYTES);
    const wanted = this.at + most;
    const fits = wanted > this.end && wanted < WINDOW_BYTES;
    return this.bytes.subarray(this.end, fits ? wanted : WINDOW_BYTES);
  }

  /** `length` bytes came to the target, which was named before the client was paused: the window may
   *  have moved since. */
  extend(length: number): void {
    const from = this.#targetAt;
    if (from === WINDOW_BYTES || from !== this.end) this.#bring(from, length);
    this.end += length;
  }

  /** Leaves room behind the window for the longest request that is kept in it. */
  tidy(): void {
    if (this.empty) this.at = this.end = 0;
    else if (this.at > WINDOW_BYTES / 2) this.#moveToFront();
  }

  /** Everything there is, thrown away. */
  drop(): void {
    this.at = this.end;
  }

  /** Makes what came to `from` the next bytes of the window. */
  #bring(from: number, length: number): void {
    if (this.empty) {
      this.at = this.end = from === WINDOW_BYTES ? 0 : from;
      if (from !== WINDOW_BYTES) return;
    } else if (this.end + length > WINDOW_BYTES) {
      this.#moveToFront();
    }
    if (this.end + length > WINDOW_BYTES) bug('bytes came for a client whose window is full');
    this.bytes.copyWithin(this.end, from, from + length);
  }

  #moveToFront(): void {
    this.bytes.copyWithin(0, this.at, this.end);
    this.end -= this.at;
    this.at = 0;
  }
}
