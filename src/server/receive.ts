/** A client's socket as a source and a drain of bytes. Plain sockets are read into a buffer of ours
 *  that is used again and again: Node's own way, a fresh 64 KiB for each read, costs 30 % on large
 *  writes. `net.createServer` cannot be told so: the accepted handle is moved into a second socket. */

import net from 'node:net';

export interface ByteSink {
  /** Where the next bytes go; asked after every `received`. */
  target(): Uint8Array;
  /** `length` bytes are where `target` said. @returns false: no more until `resume`. */
  received(length: number): boolean;
  /** The client sends nothing any more; it may still read. */
  ended(): void;
  /** The write before this one was taken. */
  written(): void;
  /** All is over; called once. */
  closed(reason: string | undefined): void;
}

export class SocketStream {
  readonly #socket: net.Socket;
  readonly #onWritten: () => void;
  /** Callbacks of writes that were taken at once. */
  #expectedCallbacks = 0;

  /** @param accepted from a server with `pauseOnConnect`. */
  constructor(accepted: net.Socket, sink: ByteSink) {
    this.#socket = moveHandle(accepted, sink);
    let reason: string | undefined;
    this.#socket.on('error', (error) => {
      reason = error.message;
    });
    this.#socket.on('end', () => sink.ended());
    this.#socket.on('close', () => sink.closed(reason));
    this.#onWritten = () => {
      if (this.#expectedCallbacks > 0) this.#expectedCallbacks--;
      else sink.written();
    };
    if (this.#socket.remoteAddress !== undefined) this.#socket.setNoDelay(true);
  }

  /** Of a TCP client; a unix client has none. */
  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? 'unix';
  }

  /** @returns true when the socket took all at once; else the sink's `written` will be called. */
  write(parts: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
    const last = parts.length - 1;
    if (last > 0) socket.cork();
    for (let at = 0; at <= last; at++) {
      const part = parts[at];
      if (part === undefined) continue;
      if (at === last) socket.write(part, this.#onWritten);
      else socket.write(part);
    }
    if (last > 0) socket.uncork();
    if (socket.writableLength > 0 || socket.destroyed) return false;
    this.#expectedCallbacks++;
    return true;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Sends what is there, then says goodbye. */
  end(): void {
    this.#socket.end();
    // A client that half-closed and never closes must not keep us.
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** What `onread` of net.Socket is told; not in the types: `buffer` may be asked anew for each read. */
type OnRead = { buffer: () => Uint8Array; callback: (length: number) => boolean };

interface HandleOwner {
  _handle: unknown;
}

/** The handle of `accepted` in a socket that reads into `sink`'s memory. The one place that knows how
 *  Node keeps it; test/server/receive.test.ts holds it on every supported version. */
function moveHandle(accepted: net.Socket, sink: ByteSink): net.Socket {
  const owner = accepted as unknown as HandleOwner; // _handle is not in the types
  const handle = owner._handle;
  owner._handle = null;
  accepted.destroy(); // without a handle this only takes it off the server's count
  const onread: OnRead = {
    buffer: () => sink.target(),
    callback: (length) => sink.received(length),
  };
  const options = { handle, onread, allowHalfOpen: true };
  return new net.Socket(options as unknown as net.SocketConstructorOpts); // `handle` is not in the types
}
