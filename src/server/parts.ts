/** What one write is to send, in order. Most writes have one part, which costs no list of its own. */

export class Parts {
  #list: Uint8Array[] = [];
  readonly #only: Uint8Array[] = [];

  get count(): number {
    return this.#list.length;
  }

  push(part: Uint8Array): void {
    this.#list.push(part);
  }

  clear(): void {
    this.#list = [];
  }

  /** All parts, and behind them the bytes [from, to) of `chunk`, if any. Afterwards none are left.
   *  @returns a list that is valid until the next call. */
  take(chunk: Uint8Array, from: number, to: number): readonly Uint8Array[] {
    const parts = this.#list;
    if (parts.length > 0) {
      this.#list = [];
      if (to > from) parts.push(chunk.subarray(from, to));
      return parts;
    }
    this.#only[0] = chunk.subarray(from, to);
    return this.#only;
  }
}
