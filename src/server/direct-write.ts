/** Short writes straight to a socket's descriptor. Node's stream makes an object, a closure and a tick
 *  of each write, which costs as much as the system call; replies are short and nearly always taken
 *  at once. Whatever is not (a client that is behind, an error) is left to the stream, which knows. */

import { writeSync } from 'node:fs';
import type net from 'node:net';

/** Longer writes are seldom taken whole, and the stream's price is small beside theirs. */
const DIRECT_MAX = 64 * 1024;

export class DirectWrite {
  readonly #socket: net.Socket;
  readonly #fd: number;

  /** @param fd the socket's; -1: it has none, and nothing is ever written. */
  constructor(socket: net.Socket, fd: number) {
    this.#socket = socket;
    this.#fd = fd;
  }

  /** @returns how many of the bytes [from, to) the kernel has; 0 also where the stream has bytes before
   *  them, and where they are many. */
  write(bytes: Uint8Array, from: number, to: number): number {
    if (to - from > DIRECT_MAX) return 0;
    const socket = this.#socket;
    // Once it is destroyed the number may be another file's.
    if (this.#fd < 0 || socket.destroyed || socket.writableEnded) return 0;
    if (socket.writableLength > 0) return 0;
    try {
      return writeSync(this.#fd, bytes, from, to - from);
    } catch {
      // EAGAIN: it is full. Anything else the stream will meet, too, and tell in its way.
      return 0;
    }
  }
}
