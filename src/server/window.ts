/** The bytes of one client that were received and not yet consumed: [at, end) of one reused buffer. Knows no
 *  protocol. */

import { bug } from '../units.ts';
import type { PooledBuffer } from './buffer-pool.ts';
import { limits } from './limits.ts';

/** The buffer is longer: the socket asks for a place for its next bytes even when it is paused and the window
 *  is full. They then go behind the window, and into it once they came: so there is always a place. */
const WINDOW_BYTES = limits.receiveBuffer.max;

/** INVARIANT: at <= end <= WINDOW_BYTES; bytes between them stay where they are until `tidy` or `extend`. */
export class ReceiveWindow {
  readonly buffer: PooledBuffer;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The place for the next bytes of nearly every read: that of an empty window. */
  readonly #whole: Uint8Array;
  at = 0;
  end = 0;
  /** Where the socket puts the next bytes; WINDOW_BYTES: behind the window. */
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

  /** A place for the next bytes, never empty; at most `most` bytes long. */
  target(most: number = WINDOW_BYTES): Uint8Array {
    this.#targetAt = this.end;
    if (this.end === 0 && most >= WINDOW_BYTES) return this.#whole;
    if (this.end === WINDOW_BYTES) return this.bytes.subarray(WINDOW_BYTES);
    const wanted = this.at + most;
    const fits = wanted > this.end && wanted < WINDOW_BYTES;
    return this.bytes.subarray(this.end, fits ? wanted : WINDOW_BYTES);
  }

  /** `length` bytes came to the target, which was set before the client was paused: the window may have moved
   *  since. */
  extend(length: number): void {
    const from = this.#targetAt;
    if (from === WINDOW_BYTES || from !== this.end) this.#bring(from, length);
    this.end += length;
  }

  /** Makes room behind the window for the longest request that is kept in it. */
  tidy(): void {
    if (this.empty) this.at = this.end = 0;
    else if (this.at > WINDOW_BYTES / 2) this.#moveToFront();
  }

  /** Drops everything. @returns whether there was something. */
  drop(): boolean {
    const some = !this.empty;
    this.at = this.end;
    return some;
  }

  /** Makes the bytes that came to `from` the next ones of the window. */
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
