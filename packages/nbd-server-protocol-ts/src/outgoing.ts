/** Bytes on their way out: many messages written one behind the other, and handed over with few calls of
 *  `send`. Memory that was handed over is never written again. Knows nothing about the messages. */

/** Hands bytes to the transport, which may keep them, but neither change nor transfer their memory: messages
 *  share it. If it returns a promise, nothing more is handed over until that is settled; a rejection ends the
 *  connection. Every other value, also false, is ignored. */
export type Send = (bytes: Uint8Array) => unknown;

/** Connections that do little take little memory. */
const FIRST_CHUNK_BYTES = 512;
const CHUNK_BYTES_MAX = 64 * 1024;
const EMPTY = new DataView(new ArrayBuffer(0));

export class Outgoing {
  /** The memory that `reserve` made room in, twice. */
  view: DataView = EMPTY;
  bytes = new Uint8Array(0);
  /** Where the next byte goes. */
  at = 0;
  /** `send` has returned a promise that is not settled. */
  held = false;
  readonly #send: Send;
  readonly #sent: () => void;
  readonly #failed: (error: unknown) => void;
  /** Of the next chunk of memory. */
  #chunkBytes = FIRST_CHUNK_BYTES;
  /** Of `bytes`, from here on nothing was handed over. */
  #from = 0;
  #full: Uint8Array[] = [];
  #scheduled = false;
  #closed = false;

  /** @param sent called whenever all that was written is handed over.
   *  @param failed called when `send` throws or rejects. */
  constructor(send: Send, sent: () => void, failed: (error: unknown) => void) {
    this.#send = send;
    this.#sent = sent;
    this.#failed = failed;
  }

  /** Everything that was written is handed over. */
  get empty(): boolean {
    return this.#full.length === 0 && this.#from === this.at;
  }

  /** Makes room for `length` bytes at `at`. */
  reserve(length: number): void {
    if (this.at + length <= this.bytes.length) return;
    this.#cut();
    this.bytes = new Uint8Array(Math.max(this.#chunkBytes, length));
    this.#chunkBytes = Math.min(2 * this.#chunkBytes, CHUNK_BYTES_MAX);
    this.view = new DataView(this.bytes.buffer);
    this.#from = this.at = 0;
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  appendZeros(length: number): void {
    this.reserve(length);
    this.at += length; // behind `at` nothing was ever written
  }

  /** Hands over all that was written, unless it is held. */
  flush(): void {
    if (this.held || this.#closed) return;
    this.#cut();
    if (this.bytes.length > CHUNK_BYTES_MAX) this.#release();
    for (let next = this.#full.shift(); next !== undefined; next = this.#full.shift()) {
      if (!this.#hand(next)) return;
    }
    this.#sent();
  }

  /** `flush` as soon as the code that runs now has ended. */
  flushSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    void Promise.resolve().then(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Drops what was not handed over, and hands over nothing any more. */
  close(): void {
    this.#closed = true;
    this.#full = [];
    this.#from = this.at;
  }

  /** Memory for one long message is not kept for the next. */
  #release(): void {
    this.bytes = new Uint8Array(0);
    this.view = EMPTY;
    this.#from = this.at = 0;
  }

  /** @returns false when nothing more may be handed over now. */
  #hand(bytes: Uint8Array): boolean {
    try {
      const result = this.#send(bytes);
      if (typeof result !== 'object' || result === null) return !this.#closed;
      this.held = true;
      Promise.resolve(result).then(
        () => {
          this.held = false;
          this.flush();
        },
        (error) => this.#failed(error),
      );
    } catch (error) {
      this.#failed(error);
    }
    return false;
  }

  #cut(): void {
    if (this.#from < this.at) this.#full.push(this.bytes.subarray(this.#from, this.at));
    this.#from = this.at;
  }
}
