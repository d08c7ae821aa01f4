/** Short writes straight to a socket's descriptor. Node's stream makes an object, a closure and a tick for
 *  each write, which costs as much as the system call; replies are short and nearly always taken at once.
 *  Other writes (a client that is behind, an error) are left to the stream. */

import { writeSync } from 'node:fs';
import type net from 'node:net';

/** Longer writes are seldom taken whole, and the stream's cost is small beside theirs. */
const DIRECT_MAX = 64 * 1024;

export class DirectWrite {
  readonly #socket: net.Socket;
  readonly #fd: number;

  /** @param fd the socket's; -1: it has none, and nothing is ever written. */
  constructor(socket: net.Socket, fd: number) {
    this.#socket = socket;
    this.#fd = fd;
  }

  /** @returns how many of the bytes [from, to) the kernel took; 0 also if the stream has earlier bytes, or if
   *  they are many. */
  write(bytes: Uint8Array, from: number, to: number): number {
    if (to - from > DIRECT_MAX) return 0;
    const socket = this.#socket;
    // After the socket is destroyed the number may belong to another file.
    if (this.#fd < 0 || socket.destroyed || socket.writableEnded) return 0;
    if (socket.writableLength > 0) return 0;
    try {
      return writeSync(this.#fd, bytes, from, to - from);
    } catch {
      // EAGAIN: it is full. Any other error will meet the stream, too, which reports it.
      return 0;
    }
  }
}
