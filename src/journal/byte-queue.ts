/** Bytes that come in pieces and are taken in lengths. Kept pieces are copies; what is taken is the taker's
 *  and begins a buffer of its own, so that it can be looked at in words. */

export class ByteQueue {
  #pieces: Uint8Array[] = [];
  /** Of the first piece, what was taken. */
  #taken = 0;
  #length = 0;

  /** Bytes that were not taken. */
  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes.slice());
    this.#length += bytes.length;
  }

  /** The next `length` bytes, or undefined while they are not all there. */
  take(length: number): Uint8Array | undefined {
    const found = this.#look(length);
    if (found === undefined) return undefined;
    if (found.whole > 0) this.#pieces = this.#pieces.slice(found.whole);
    this.#taken = found.taken;
    this.#length -= length;
    return found.bytes;
  }

  /** The same, and they are still there. */
  peek(length: number): Uint8Array | undefined {
    return this.#look(length)?.bytes;
  }

  /** @returns also how many pieces are used up by them, and how much of the next one. */
  #look(length: number): { bytes: Uint8Array; whole: number; taken: number } | undefined {
    if (length > this.#length) return undefined;
    const bytes = new Uint8Array(length);
    let [done, whole, taken] = [0, 0, this.#taken];
    while (done < length) {
      const piece = this.#pieces[whole] ?? bytes;
      const part = piece.subarray(taken, taken + length - done);
      bytes.set(part, done);
      done += part.length;
      taken += part.length;
      if (taken === piece.length) [whole, taken] = [whole + 1, 0];
    }
    return { bytes, whole, taken };
  }
}
