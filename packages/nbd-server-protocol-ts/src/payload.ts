/** One payload that comes in pieces, put together in memory that is given away. Memory grows with the bytes
 *  that arrive, never because a header claims them; a payload that comes whole is not copied. */

const FIRST_CAPACITY = 64 * 1024;

export class Payload {
  readonly length: number;
  #bytes: Uint8Array;
  #have = 0;

  constructor(length: number) {
    this.length = length;
    this.#bytes = new Uint8Array(0);
  }

  get missing(): number {
    return this.length - this.#have;
  }

  /** Takes missing bytes out of bytes[start, end), which nobody may change any more.
   *  @returns how many bytes it took. */
  take(bytes: Uint8Array, start: number, end: number): number {
    const took = Math.min(this.missing, end - start);
    if (took === this.length) {
      // Not subarray: a Buffer would give a Buffer, and handlers must always get the same type.
      this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset + start, took);
    } else {
      this.#grow(this.#have + took);
      this.#bytes.set(bytes.subarray(start, start + took), this.#have);
    }
    this.#have += took;
    return took;
  }

  /** All of it, once nothing is missing. */
  whole(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  #grow(size: number): void {
    if (size <= this.#bytes.length) return;
    const capacity = Math.max(size, FIRST_CAPACITY, 2 * this.#bytes.length);
    const grown = new Uint8Array(Math.min(capacity, this.length));
    grown.set(this.#bytes.subarray(0, this.#have));
    this.#bytes = grown;
  }
}
