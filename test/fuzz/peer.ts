/** One end of a socket to tnull: bytes out, bytes in, and no protocol. */

import { once } from 'node:events';
import net from 'node:net';

/** The server broke a rule; the message says which. */
export class Violation extends Error {}

/** The server has closed. */
export class Closed extends Error {}

export class Peer {
  readonly socket: net.Socket;
  #chunks: Buffer[] = [];
  #waiting = 0;
  #over = false;
  #wake: (() => void) | undefined;
  received = 0;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('error', () => {}); // resets are a part of the game; `over` tells
    socket.on('data', (data: Buffer) => {
      this.#chunks.push(data);
      this.#waiting += data.length;
      this.received += data.length;
      this.#wake?.();
    });
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.#over = true;
        this.#wake?.();
      });
    }
  }

  /** @throws when nobody listens: then the daemon is dead. */
  static async connect(path: string): Promise<Peer> {
    const socket = net.connect({ path, allowHalfOpen: true });
    await once(socket, 'connect');
    return new Peer(socket);
  }

  get over(): boolean {
    return this.#over;
  }

  /** Waits until the socket has taken the bytes, or is over. */
  async send(bytes: Uint8Array): Promise<void> {
    if (this.#over || this.socket.destroyed || bytes.length === 0) return;
    if (this.socket.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.socket.off('drain', done);
        this.socket.off('close', done);
        resolve();
      };
      this.socket.on('drain', done);
      this.socket.on('close', done);
    });
  }

  /** Exactly `length` bytes. @throws Closed */
  async read(length: number): Promise<Buffer> {
    while (this.#waiting < length) {
      if (this.#over) throw new Closed(`closed with ${this.#waiting} of ${length} bytes there`);
      await this.#more();
    }
    this.#waiting -= length;
    // Only what is wanted is copied: much more may be there.
    const parts: Buffer[] = [];
    let whole = 0;
    for (let left = length; left > 0; ) {
      const chunk = this.#chunks[whole];
      if (chunk === undefined) throw new Error('fewer bytes are there than were counted');
      parts.push(chunk.subarray(0, left));
      if (chunk.length > left) this.#chunks[whole] = chunk.subarray(left);
      else whole++;
      left -= Math.min(left, chunk.length);
    }
    this.#chunks.splice(0, whole);
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }

  /** Until the server closes. @returns how many bytes came that nobody had asked for. */
  async drain(): Promise<number> {
    let unread = 0;
    for (;;) {
      unread += this.#waiting;
      this.#chunks = [];
      this.#waiting = 0;
      if (this.#over) return unread;
      await this.#more();
    }
  }

  /** Drops all bytes, for ever. */
  ignore(): void {
    this.socket.removeAllListeners('data');
    this.socket.resume();
    this.#chunks = [];
    this.#waiting = 0;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
