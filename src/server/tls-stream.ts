/** A client's socket, or pair of pipes, after STARTTLS: the same bytes, encrypted. It uses Node's own reads,
 *  because a server-side TLSSocket has no others: each chunk is copied to where it belongs.
 *  Source: nbd-protocol.md section 5. */

import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { copyBytes } from '../pages/copy-bytes.ts';
import type { ByteStream, TlsSink } from './byte-stream.ts';
import { certificateFault, queuedBytes } from './node-handle.ts';
import { type ServerFault, socketFault } from './server-faults.ts';
import type { ServerTls } from './tls-credentials.ts';

/** An error of OpenSSL, if it says what the client did wrong; otherwise the connection just broke. */
interface SslError extends Error {
  readonly library?: string;
  readonly reason?: string;
}

/** Rounds of the event loop. */
const GONE_ROUNDS = 8;

export class TlsStream implements ByteStream {
  readonly remoteAddress: string | undefined;
  readonly #plain: Duplex;
  readonly #socket: TLSSocket;
  readonly #sink: TlsSink;
  /** Bytes that came while the sink wanted no more. */
  #rest: Uint8Array | undefined;
  #paused = false;
  /** The client sends nothing any more, and whether the sink knows it. */
  #ended = false;
  #endTold = false;
  /** Writes, and writes whose end was reported. */
  #writes = 0;
  #told = 0;
  #reason: string | undefined;
  #fault: ServerFault | undefined;

  /** @param plain not read any more; the handshake begins at once. */
  constructor(plain: Duplex, options: ServerTls, sink: TlsSink) {
    this.remoteAddress = plain instanceof net.Socket ? plain.remoteAddress : undefined;
    this.#sink = sink;
    this.#plain = plain;
    // Not imported: without TLS nothing is loaded, nor, from Node 22 on, its root certificates by a thread.
    const { TLSSocket } = process.getBuiltinModule('node:tls');
    this.#socket = new TLSSocket(plain as net.Socket, options); // the types know of no other stream
    this.#socket.on('error', (error) => this.#failed(error));
    // The handshake's own errors come in another way.
    this.#socket.on('_tlsError', (error: Error) => this.#failed(error));
    // Nothing is read from an unknown client.
    this.#socket.once('secure', () => {
      const stranger = options.requestCert === true ? certificateFault(this.#socket) : undefined;
      if (stranger !== undefined) return sink.cutOff(`TLS: the client's certificate: ${stranger}`);
      this.#socket.on('data', (chunk: Uint8Array) => this.#take(chunk));
    });
    this.#socket.on('end', () => {
      this.#ended = true;
      this.#noticeGone();
      this.#tellEnd();
    });
    this.#socket.on('close', () => sink.closed(this.#reason, this.#fault));
  }

  get unsent(): number {
    return this.#socket.writableLength;
  }

  write(parts: readonly Uint8Array[]): boolean {
    this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    this.#socket.uncork();
    // The encrypted bytes are a copy: the parts may be reused once the last was taken.
    this.#writes++;
    this.#socket.write('', (error) => {
      this.#told++;
      if (!error) this.#sink.written();
    });
    if (this.#ended) this.#noticeGone();
    return false;
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) this.#take(rest);
    if (this.#paused) return;
    this.#socket.resume();
    this.#tellEnd();
  }

  /** Says goodbye in TLS as well. */
  end(): void {
    this.#socket.end();
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  reset(): void {
    const plain = this.#plain;
    if (plain instanceof net.Socket && this.remoteAddress !== undefined) plain.resetAndDestroy();
    this.#socket.destroy();
  }

  secure(): undefined {
    return undefined;
  }

  #take(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      const target = this.#sink.target();
      const length = Math.min(target.length, chunk.length - at);
      copyBytes(target, chunk.subarray(at, at + length));
      at += length;
      if (this.#sink.received(length)) continue;
      if (at < chunk.length) this.#rest = chunk.subarray(at);
      this.pause();
      return;
    }
  }

  /** Behind everything that the client sent: Node reports the end even while reading is paused. */
  #tellEnd(): void {
    if (!this.#ended || this.#endTold || this.#paused) return;
    this.#endTold = true;
    this.#sink.ended();
  }

  /** After a write of its own that failed (the tickets of TLS 1.3, to a client that is gone) Node holds every
   *  other write back for ever, and reports nothing. A write that succeeds is reported in the next round. */
  #noticeGone(rounds = GONE_ROUNDS, told = this.#told): void {
    if (this.#told !== told || this.#told === this.#writes || this.#socket.destroyed) return;
    const plain = this.#plain;
    if (!(plain instanceof net.Socket) || queuedBytes(plain) > 0) return;
    if (rounds === 0) this.#socket.destroy();
    else setImmediate(() => this.#noticeGone(rounds - 1, told));
  }

  #failed(error: SslError): void {
    if (error.library === undefined) {
      if (this.#reason === undefined) this.#fault = socketFault(error);
      this.#reason ??= error.message;
    } else this.#sink.cutOff(`TLS: ${error.reason ?? error.message}`);
    this.#socket.destroy();
  }
}
