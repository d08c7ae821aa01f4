/** Bytes of the protocol from and to all clients. Threads for sockets count, too: each has a row of its own in
 *  shared memory, and the reader adds the rows up. Source: page.md section 3. */

/** A row is a cache line, so that no two threads write to the same one. */
const ROW = 8;
const RECEIVED = 0;
const SENT = 1;

export class Traffic {
  readonly memory: SharedArrayBuffer;
  readonly #counts: Float64Array;
  readonly #received: number;
  readonly #sent: number;

  /** @param row of the counting thread: 0 is the main thread, n + 1 thread n for sockets.
   *  @param memory `Traffic.memoryFor` all of them. */
  constructor(row: number, memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#counts = new Float64Array(memory);
    this.#received = row * ROW + RECEIVED;
    this.#sent = row * ROW + SENT;
  }

  static memoryFor(threads: number): SharedArrayBuffer {
    return new SharedArrayBuffer((threads + 1) * ROW * Float64Array.BYTES_PER_ELEMENT);
  }

  received(bytes: number): void {
    this.#counts[this.#received] = (this.#counts[this.#received] ?? 0) + bytes;
  }

  /** @returns `bytes`. */
  sent(bytes: number): number {
    this.#counts[this.#sent] = (this.#counts[this.#sent] ?? 0) + bytes;
    return bytes;
  }

  sentAll(parts: readonly Uint8Array[]): void {
    for (const part of parts) this.sent(part.length);
  }

  /** Of all rows together. */
  total(): { readonly receivedBytes: number; readonly sentBytes: number } {
    let [receivedBytes, sentBytes] = [0, 0];
    for (let row = 0; row < this.#counts.length; row += ROW) {
      receivedBytes += this.#counts[row + RECEIVED] ?? 0;
      sentBytes += this.#counts[row + SENT] ?? 0;
    }
    return { receivedBytes, sentBytes };
  }
}
