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
    if (length > this.#length) return undefined;
    const bytes = new Uint8Array(length);
    let done = 0;
    let whole = 0;
    while (done < length) {
      const piece = this.#pieces[whole] ?? bytes;
      const part = piece.subarray(this.#taken, this.#taken + length - done);
      bytes.set(part, done);
      done += part.length;
      this.#taken += part.length;
      if (this.#taken === piece.length) {
        whole++;
        this.#taken = 0;
      }
    }
    if (whole > 0) this.#pieces = this.#pieces.slice(whole);
    this.#length -= length;
    return bytes;
  }
}
