/** A connection without sockets: two queues of bytes, and the server's end of it as the daemon knows its
 *  streams. It behaves as a socket does in Node: bytes are cut anywhere, writes are taken in part, the
 *  place for the next bytes is asked for right after the last ones. Knows no protocol. */

import type { ByteSink, ByteStream, TlsSink } from '../../src/server/byte-stream.ts';
import type { ServerTls } from '../../src/server/tls-credentials.ts';
import { TlsStream } from '../../src/server/tls-stream.ts';
import type { Random } from '../fuzz/random.ts';
import { Found } from './failure.ts';
import { caught, ServerPlain, TicksOf } from './server-plain.ts';
import { Happening, type World } from './world.ts';

/** How a connection carries bytes. */
export interface Carrier {
  /** ns on the way, at most. */
  readonly latencyNs: number;
  /** Bytes that the system holds for a client that does not read. */
  readonly roomBytes: number;
  /** One in so many reads and writes is cut short; 0: none. */
  readonly cutOneIn: number;
  /** The place for the next bytes is asked for right before they come, as in TLS. */
  readonly asksLate: boolean;
}

/** Longer writes go by the stream: as DirectWrite has it. */
const DIRECT_MAX = 64 * 1024;
const FIRST_BYTES = 16 * 1024;
const NO_BYTES = new Uint8Array(0);

/** Bytes [head, end) of a buffer that grows. */
export class Queue {
  bytes = new Uint8Array(FIRST_BYTES);
  words = new Uint32Array(this.bytes.buffer);
  view = new DataView(this.bytes.buffer);
  head = 0;
  end = 0;

  get length(): number {
    return this.end - this.head;
  }

  /** Room for `length` more bytes behind `end`, in one piece. */
  reserve(length: number): void {
    if (this.head === this.end) this.head = this.end = 0;
    if (this.end + length <= this.bytes.length) return;
    const kept = this.length;
    if (kept + length <= this.bytes.length / 2) {
      this.bytes.copyWithin(0, this.head, this.end);
    } else {
      const grown = new Uint8Array(2 ** Math.ceil(Math.log2(2 * (kept + length))));
      grown.set(this.bytes.subarray(this.head, this.end));
      this.bytes = grown;
      this.words = new Uint32Array(grown.buffer);
      this.view = new DataView(grown.buffer);
    }
    this.head = 0;
    this.end = kept;
  }

  push(from: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    this.bytes.set(start === 0 && end === from.length ? from : from.subarray(start, end), this.end);
    this.end += end - start;
  }
}

/** What a client hears of its connection. */
export interface ClientEnd {
  /** There may be something to read, or the end. */
  readable(): void;
}

/** A connection as its client has it. */
export interface ClientWire {
  /** What the client sends; its first `sent` bytes have left. */
  readonly up: Queue;
  readonly sent: number;
  /** What has come; its first `taken` bytes are the client's. */
  readonly down: Queue;
  readonly taken: number;
  /** Nothing more will come behind what has. */
  readonly serverEnded: boolean;
  /** Bytes that arrived and that the client has not taken. */
  readonly readableBytes: number;
  /** The next `length` bytes of what was written leave. */
  send(length: number): void;
  /** The client has taken `length` more bytes from the system. */
  take(length: number): void;
  /** The client has used `length` of the bytes that it took. */
  used(length: number): void;
  /** Nothing more will be sent; it reads on. */
  shutdown(): void;
  /** It reads no more either; what it has sent arrives. */
  leave(): void;
  /** It is cut in the middle: what is under way is lost. */
  cut(): void;
}

/** INVARIANT: the first `sent` bytes of `up` have left the client and have not arrived; the first `taken`
 *  bytes of `down` are the client's and take no room in the system. */
export class Wire implements ByteStream, ClientWire {
  readonly remoteAddress = undefined;
  /** From the client to the server. */
  readonly up = new Queue();
  sent = 0;
  /** From the server to the client. */
  readonly down = new Queue();
  taken = 0;
  /** The server's end: nothing more comes. */
  serverEnded = false;
  /** When the server, not its end of the connection alone, last took bytes. */
  tookAt = 0;
  /** The server closed both ways, or was told that the connection broke. */
  closed = false;
  readonly #world: World;
  readonly #random: Random;
  readonly #carrier: Carrier;
  /** Who hears of what comes: the client, or the TLS between. */
  client: ClientEnd;
  #sink: ByteSink | undefined;
  #target: Uint8Array = NO_BYTES;
  #paused = true;
  /** What `write` could not give away yet. */
  #parts: readonly Uint8Array[] = [];
  #part = 0;
  #partDone = 0;
  #ending = false;
  #clientEnded = false;
  #clientGone = false;
  #toldEnd = false;
  #reason: string | undefined;
  readonly #arrival = new Happening(() => this.#arrive());
  readonly #room = new Happening(() => this.#takeParts());
  readonly #delivery = new Happening(() => this.client.readable());
  readonly #close = new Happening(() => this.#sink?.closed(this.#reason));

  constructor(world: World, random: Random, carrier: Carrier, client: ClientEnd) {
    this.#world = world;
    this.#random = random;
    this.#carrier = carrier;
    this.client = client;
  }

  /** The server has accepted. */
  connect(sink: ByteSink): ByteStream {
    this.#sink = sink;
    if (!this.#carrier.asksLate) this.#target = sink.target();
    // It broke on its way to whoever reads it.
    if (this.closed) this.#world.start(this.#close, 1);
    return this;
  }

  // The client's end.

  send(length: number): void {
    this.sent = Math.min(this.up.length, this.sent + length);
    this.#wakeServer();
  }

  take(length: number): void {
    this.taken += length;
    if (this.#part < this.#parts.length) this.#world.start(this.#room, this.#delay());
  }

  used(length: number): void {
    this.down.head += length;
    this.taken -= length;
  }

  get readableBytes(): number {
    return this.down.length - this.taken;
  }

  shutdown(): void {
    this.#clientEnded = true;
    this.#wakeServer();
  }

  leave(): void {
    this.#clientEnded = this.#clientGone = true;
    // What it had not sent yet will never be.
    this.up.end = this.up.head + this.sent;
    this.#world.cancel(this.#delivery);
    if (this.#part < this.#parts.length) this.#break('write EPIPE');
    this.#wakeServer();
  }

  cut(): void {
    this.#clientEnded = this.#clientGone = true;
    this.#world.cancel(this.#delivery);
    this.#break('read ECONNRESET');
  }

  // The server's end.

  get unsent(): number {
    let bytes = -this.#partDone;
    for (let at = this.#part; at < this.#parts.length; at++) bytes += this.#parts[at]?.length ?? 0;
    return Math.max(0, bytes);
  }

  writeNow(bytes: Uint8Array, from: number, to: number): number {
    if (to - from > DIRECT_MAX || this.#part < this.#parts.length || this.#gone) return 0;
    return this.#give(bytes, from, to);
  }

  write(parts: readonly Uint8Array[]): boolean {
    if (this.closed || this.#ending) return false;
    if (this.#part < this.#parts.length) throw new Found('bug', 'a write inside another');
    this.#parts = parts;
    this.#part = this.#partDone = 0;
    if (this.#clientGone) {
      this.#break('write EPIPE');
      return false;
    }
    if (this.#giveParts()) return true;
    this.#world.start(this.#room, this.#delay());
    return false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#wakeServer();
  }

  end(): void {
    if (this.closed || this.#ending) return;
    this.#ending = true;
    this.resume();
    this.#endIfWritten();
  }

  destroy(): void {
    this.#break(undefined);
  }

  reset(): void {
    this.#break(undefined);
  }

  took(): void {
    this.tookAt = this.#world.time;
  }

  secure(tls: ServerTls, sink: TlsSink): ByteStream {
    this.#world.ticks();
    const plain = new ServerPlain(this.#world, this);
    this.#sink = plain.sink();
    if (!this.#carrier.asksLate) this.#target = this.#sink.target();
    const ticking = caught(this.#world, sink, () => this.took());
    return new TicksOf(this.#world, new TlsStream(plain, tls, ticking));
  }

  get #gone(): boolean {
    return this.closed || this.#ending || this.#clientGone;
  }

  #delay(): number {
    return 1 + this.#random.below(this.#carrier.latencyNs);
  }

  #wakeServer(): void {
    if (this.#paused || this.closed) return;
    if (this.sent > 0 || this.#clientEnded) this.#world.start(this.#arrival, this.#delay());
  }

  /** The socket is readable: as libuv does, it is read until a read did not fill its place. */
  #arrive(): void {
    const sink = this.#sink;
    if (sink === undefined || this.#paused || this.closed) return;
    for (let reads = 0; reads < 32 && this.sent > 0; reads++) {
      if (this.#carrier.asksLate) this.#target = sink.target();
      const { length } = this.#target;
      if (length === 0) throw new Found('cut', 'read ENOBUFS: an empty place for the next bytes');
      const most = Math.min(length, this.sent);
      const count = this.#cut(most);
      const { bytes, head } = this.up;
      this.#target.set(bytes.subarray(head, head + count));
      this.up.head += count;
      this.sent -= count;
      const goOn = sink.received(count);
      if (!this.#carrier.asksLate) this.#target = sink.target();
      if (!goOn) this.#paused = true;
      if (this.#paused || this.closed) return;
      if (count < length) break;
    }
    if (this.sent > 0) this.#world.start(this.#arrival, this.#delay());
    else if (this.#clientEnded && this.up.length === 0) this.#tellEnd(sink);
  }

  #tellEnd(sink: ByteSink): void {
    if (this.#toldEnd) return;
    this.#toldEnd = true;
    sink.ended();
    if (this.serverEnded) this.#break(undefined);
  }

  #cut(most: number): number {
    const { cutOneIn } = this.#carrier;
    if (cutOneIn === 0 || most < 2 || this.#random.below(cutOneIn) > 0) return most;
    return 1 + this.#random.below(most);
  }

  /** @returns how many of the bytes the system took. */
  #give(bytes: Uint8Array, from: number, to: number): number {
    const room = this.#carrier.roomBytes - this.readableBytes;
    const most = Math.min(room, to - from);
    if (most <= 0) return 0;
    const count = this.#cut(most);
    this.down.push(bytes, from, from + count);
    this.#world.start(this.#delivery, this.#delay());
    return count;
  }

  /** @returns true: all parts are taken. */
  #giveParts(): boolean {
    for (let part = this.#parts[this.#part]; part !== undefined; part = this.#parts[this.#part]) {
      const count = this.#give(part, this.#partDone, part.length);
      this.#partDone += count;
      if (this.#partDone < part.length) return false;
      this.#part++;
      this.#partDone = 0;
    }
    this.#parts = [];
    this.#part = 0;
    return true;
  }

  #takeParts(): void {
    if (this.closed || this.#part === this.#parts.length) return;
    if (!this.#giveParts()) {
      // What was cut short goes on by itself; what found no room waits for the client.
      if (this.readableBytes < this.#carrier.roomBytes)
        this.#world.start(this.#room, this.#delay());
      return;
    }
    this.#sink?.written();
    if (this.#ending) this.#endIfWritten();
  }

  #endIfWritten(): void {
    if (this.#part < this.#parts.length || this.serverEnded) return;
    this.serverEnded = true;
    if (!this.#clientGone) this.#world.start(this.#delivery, this.#delay());
    if (this.#toldEnd) this.#break(undefined);
  }

  /** Both ways are over; the sink hears of it later. */
  #break(reason: string | undefined): void {
    if (this.closed) return;
    this.closed = this.serverEnded = true;
    this.#reason = reason;
    this.#parts = [];
    this.#part = 0;
    this.sent = 0;
    this.#world.cancel(this.#arrival);
    this.#world.cancel(this.#room);
    if (!this.#clientGone) this.#world.start(this.#delivery, this.#delay());
    this.#world.start(this.#close, 1);
  }
}
