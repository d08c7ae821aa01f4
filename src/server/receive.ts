/** A client's socket as a source and a drain of bytes. Plain sockets are read into a buffer of ours
 *  that is used again and again: Node's own way, a fresh 64 KiB for each read, costs 30 % on large
 *  writes. `net.createServer` cannot be told so: the accepted handle is moved into a second socket. */

import net from 'node:net';
import type { DirectOffer } from '../export/direct-offer.ts';
import { DirectWrite } from './direct-write.ts';
import { DivertibleReader, PipePair, type Reader } from './pipe-pair.ts';
import { type ServerFault, socketFault } from './server-faults.ts';
import type { ServerTls } from './tls-credentials.ts';
import { type TlsSink, TlsStream } from './tls-stream.ts';

export interface ByteSink {
  /** Where the next bytes go; asked after every `received`. */
  target(): Uint8Array;
  /** `length` bytes are where `target` said. @returns false: no more until `resume`. */
  received(length: number): boolean;
  /** The client sends nothing any more; it may still read. Not while there is something that `received`
   *  did not want yet. */
  ended(): void;
  /** The write before this one was taken. */
  written(): void;
  /** All is over; called once. @param fault where it is not the client that caused it. */
  closed(reason: string | undefined, fault?: ServerFault): void;
}

/** Bytes both ways, whatever carries them. */
export interface ByteStream {
  /** Undefined: it has none. */
  readonly remoteAddress: string | undefined;
  /** Bytes of `write` that the kernel has not taken yet. */
  readonly unsent: number;
  /** Bytes [from, to), where they are few and all before them has gone. @returns how many were taken. */
  writeNow?(bytes: Uint8Array, from: number, to: number): number;
  /** @returns true when all was taken at once; else the sink's `written` will be called. */
  write(parts: readonly Uint8Array[]): boolean;
  /** Nothing more is read, from before what is written after this is sent. */
  pause(): void;
  resume(): void;
  /** Sends what is there, then says goodbye. */
  end(): void;
  destroy(): void;
  /** What goes on in TLS, once all was written and with no reading going on; the sink hears nothing of
   *  the stream before it any more. @returns undefined: it is encrypted already. */
  secure(tls: ServerTls, sink: TlsSink): ByteStream | undefined;
  /** What was agreed on, for whoever has the socket: it may execute requests while the client is lent.
   *  Undefined: nobody else could. */
  offer?(offer: DirectOffer): void;
  /** Nothing of the client is here, neither half a request nor a reply. */
  lend?(): void;
  /** It is not lent any more, once the requests in hand there have ended. */
  revoke?(): void;
  /** How often requests were executed while it was lent. */
  readonly batchesElsewhere?: number;
}

export class SocketStream implements ByteStream {
  /** Where bytes come from and where they go: the same socket, but for a pair of pipes. */
  readonly #source: net.Socket;
  readonly #drain: net.Socket;
  /** Of a pair of pipes. */
  readonly #reader: DivertibleReader | undefined;
  readonly #direct: DirectWrite;
  readonly #onWritten: (error?: Error | null) => void;
  /** Callbacks of writes that were taken at once. */
  #expectedCallbacks = 0;
  #released = false;

  /** @param accepted not read yet, as from a server with `pauseOnConnect`.
   *  @param drain where what is written goes, if not there too. */
  constructor(accepted: net.Socket, sink: ByteSink, drain?: net.Socket) {
    this.#reader = drain === undefined ? undefined : new DivertibleReader(sink);
    this.#source = moveHandle(accepted, this.#reader ?? sink, drain === undefined);
    this.#drain = drain ?? this.#source;
    this.#direct = new DirectWrite(this.#drain, ofHandle(this.#drain, 'fd') ?? -1);
    this.#onWritten = (error) => {
      // What is not taken any more must not make room for more of it; the end will be heard of.
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
    // A client that half-closed and never closes must not keep us.
    this.#source.resume();
  }

  destroy(): void {
    this.#source.destroy();
    this.#drain.destroy();
  }

  secure(tls: ServerTls, sink: TlsSink): ByteStream {
    this.#released = true;
    const plain =
      this.#reader === undefined
        ? this.#source
        : new PipePair(this.#reader, this.#source, this.#drain);
    return new TlsStream(plain, tls, sink);
  }

  /** All is over when both ways are; neither is of use without the other. */
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
        // What came in to the end still has its replies to come.
        else if (way === this.#drain || reason !== undefined) this.destroy();
      });
    }
  }
}

/** What `onread` of net.Socket is told; not in the types: `buffer` may be asked anew for each read. */
type OnRead = { buffer: () => Uint8Array; callback: (length: number) => boolean };

interface HandleOwner {
  _handle: unknown;
}

/** A number that the socket's handle has; undefined: it has none, or there is no handle. */
function ofHandle(socket: net.Socket, name: 'fd' | 'writeQueueSize'): number | undefined {
  const handle = (socket as unknown as HandleOwner)._handle; // not in the types
  if (typeof handle !== 'object' || handle === null) return undefined;
  const value: unknown = Reflect.get(handle, name);
  return typeof value === 'number' ? value : undefined;
}

/** Bytes that wait in the handle: unlike `writableLength` it falls while one long write is taken. */
export function queuedBytes(socket: net.Socket): number {
  return ofHandle(socket, 'writeQueueSize') ?? socket.writableLength;
}

/** The handle of `accepted` in a socket that reads into `reader`'s memory. The one place that knows how
 *  Node keeps it; test/server/receive.test.ts holds it on every supported version. */
function moveHandle(accepted: net.Socket, reader: Reader, writable: boolean): net.Socket {
  const owner = accepted as unknown as HandleOwner; // _handle is not in the types
  const handle = owner._handle;
  owner._handle = null;
  accepted.destroy(); // without a handle this only takes it off the server's count
  const onread: OnRead = {
    buffer: () => reader.target(),
    callback: (length) => reader.received(length),
  };
  const options = { handle, onread, writable, allowHalfOpen: true };
  return new net.Socket(options as unknown as net.SocketConstructorOpts); // `handle` is not in the types
}
