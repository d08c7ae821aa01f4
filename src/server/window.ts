/** The bytes of one client that were received and not yet consumed: [at, end) of one buffer that is
 *  used again and again. Knows no protocol. */

import type { PooledBuffer } from './buffer-pool.ts';
import { limits } from './limits.ts';

/** INVARIANT: at <= end; bytes between them stay where they are until `tidy` or `extend`. The buffer is
 *  longer than a read: the socket asks for a place also when it is paused and the window is full. */
export class ReceiveWindow {
  readonly buffer: PooledBuffer;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The place for the next bytes of nearly every read: of an empty window. */
  readonly #whole: Uint8Array;
  at = 0;
  end = 0;
  /** Where the socket was told to put the next bytes. */
  #targetAt = 0;

  constructor(buffer: PooledBuffer) {
    this.buffer = buffer;
    this.bytes = buffer.bytes;
    this.view = buffer.view;
    this.#whole = buffer.bytes.subarray(0, limits.receiveBuffer.max);
  }

  get empty(): boolean {
    return this.at === this.end;
  }

  /** A place for the next bytes, never an empty one; for so many of them that there are `most`. */
  target(most = limits.receiveBuffer.max): Uint8Array {
    this.#targetAt = this.end;
    if (this.end === 0 && most >= limits.receiveBuffer.max) return this.#whole;
    const full = this.end >= limits.receiveBuffer.max;
    const end = full ? this.bytes.length : limits.receiveBuffer.max;
    const wanted = this.at + most;
    return this.bytes.subarray(this.end, wanted > this.end && wanted < end ? wanted : end);
  }

  /** `length` bytes came to the target, which was named before the client was paused: the window may
   *  have moved since. */
  extend(length: number): void {
    if (this.#targetAt !== this.end) {
      if (this.empty) this.at = this.end = this.#targetAt;
      else this.bytes.copyWithin(this.end, this.#targetAt, this.#targetAt + length);
    }
    this.end += length;
  }

  /** Leaves room behind the window for the longest request that is kept in it. */
  tidy(): void {
    if (this.empty) {
      this.at = this.end = 0;
    } else if (this.at > limits.receiveBuffer.max / 2) {
      this.bytes.copyWithin(0, this.at, this.end);
      this.end -= this.at;
      this.at = 0;
    }
  }

  /** Everything there is, thrown away. */
  drop(): void {
    this.at = this.end;
  }
}
