/** A client's socket as a source and a drain of bytes. Plain sockets are read into a buffer of ours that is
 *  reused: Node's own way, a fresh 64 KiB for each read, costs 30 % on large writes. `net.createServer` has
 *  no option for it: the accepted handle is moved into a second socket. */

import type net from 'node:net';
import type { ByteSink, ByteStream, TlsSink } from './byte-stream.ts';
import { DirectWrite } from './direct-write.ts';
import { descriptorOf, moveHandle, queuedBytes } from './node-handle.ts';
import { DivertibleReader, PipePair } from './pipe-pair.ts';
import { type ServerFault, socketFault } from './server-faults.ts';
import type { ServerTls } from './tls-credentials.ts';
import { TlsStream } from './tls-stream.ts';

export class SocketStream implements ByteStream {
  /** Where bytes come from and where they go: the same socket, except for a pair of pipes. */
  readonly #source: net.Socket;
  readonly #drain: net.Socket;
  /** Only for a pair of pipes. */
  readonly #reader: DivertibleReader | undefined;
  readonly #direct: DirectWrite;
  readonly #onWritten: (error?: Error | null) => void;
  /** Callbacks of writes that were taken at once. */
  #expectedCallbacks = 0;
  #released = false;

  /** @param accepted not read yet, as from a server with `pauseOnConnect`.
   *  @param drain where written bytes go, if not to the same socket. */
  constructor(accepted: net.Socket, sink: ByteSink, drain?: net.Socket) {
    this.#reader = drain === undefined ? undefined : new DivertibleReader(sink);
    this.#source = moveHandle(accepted, this.#reader ?? sink, drain === undefined);
    this.#drain = drain ?? this.#source;
    this.#direct = new DirectWrite(this.#drain, descriptorOf(this.#drain));
    this.#onWritten = (error) => {
      // Bytes that are not taken any more must not make room for more; the end will still be reported.
      if (error) return;
      if (this.#expectedCallbacks > 0) this.#expectedCallbacks--;
      else sink.written();
    };
    this.#source.on('end', () => {
      if (!this.#released) sink.ended();
    });
    this.#hearEnd(sink);
    if (this.#source.remoteAddress !== undefined) this.#source.setNoDelay(true);
  }

  get remoteAddress(): string | undefined {
    return this.#source.remoteAddress;
  }

  get unsent(): number {
    return queuedBytes(this.#drain);
  }

  writeNow(bytes: Uint8Array, from: number, to: number): number {
    return this.#direct.write(bytes, from, to);
  }

  write(parts: readonly Uint8Array[]): boolean {
    const [first] = parts;
    if (first === undefined || parts.length > 1) return this.#writeStream(parts);
    const taken = this.#direct.write(first, 0, first.length);
    if (taken === first.length) return true;
    return this.#writeStream(taken === 0 ? parts : [first.subarray(taken)]);
  }

  #writeStream(parts: readonly Uint8Array[]): boolean {
    const socket = this.#drain;
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
    this.#source.pause();
  }

  resume(): void {
    this.#source.resume();
  }

  end(): void {
    this.#drain.end();
    // A client that half-closes and never closes must not keep us.
    this.#source.resume();
  }

  destroy(): void {
    this.#source.destroy();
    this.#drain.destroy();
  }

  reset(): void {
    if (this.remoteAddress === undefined) this.destroy();
    else this.#source.resetAndDestroy();
  }

  secure(tls: ServerTls, sink: TlsSink): ByteStream {
    this.#released = true;
    const plain =
      this.#reader === undefined
        ? this.#source
        : new PipePair(this.#reader, this.#source, this.#drain);
    return new TlsStream(plain, tls, sink);
  }

  /** The connection is over when both ways are; neither is of use without the other. */
  #hearEnd(sink: ByteSink): void {
    let reason: string | undefined;
    let fault: ServerFault | undefined;
    const ways = new Set([this.#source, this.#drain]);
    for (const way of [...ways]) {
      way.on('error', (error) => {
        if (reason === undefined) fault = socketFault(error);
        reason ??= error.message;
      });
      way.on('close', () => {
        ways.delete(way);
        if (this.#released) return;
        if (ways.size === 0) sink.closed(reason, fault);
        // Replies to bytes that arrived before the end are still to come.
        else if (way === this.#drain || reason !== undefined) this.destroy();
      });
    }
  }
}
