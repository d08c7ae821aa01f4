/** Puts a message together that comes in pieces. Memory grows with what has come, never with what a
 *  header claims; a message that is there whole is not copied. */

const FIRST_CAPACITY = 256;

export class Gather {
  /** How many bytes the last `take` used up. */
  took = 0;
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #have = 0;

  /** Takes what is missing of `need` bytes out of bytes[start, end). `need` stays the same until they
   *  are there.
   *  @returns all of them, valid until the next call; undefined = some are still missing. */
  take(bytes: Uint8Array, start: number, end: number, need: number): Uint8Array | undefined {
    if (this.#have === 0 && end - start >= need) {
      this.took = need;
      return bytes.subarray(start, start + need);
    }
    const took = Math.min(need - this.#have, end - start);
    this.#grow(this.#have + took);
    this.#bytes.set(bytes.subarray(start, start + took), this.#have);
    this.#have += took;
    this.took = took;
    if (this.#have < need) return undefined;
    this.#have = 0;
    return this.#bytes.subarray(0, need);
  }

  #grow(size: number): void {
    if (size <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(size, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#have));
    this.#bytes = grown;
  }
}
