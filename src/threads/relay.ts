/** A client's socket in its own thread: what it sends goes into one ring, what it is to be sent comes
 *  out of the other. Knows no protocol, and of TLS only when it begins. */

import type { ByteStream } from '../server/receive.ts';
import type { ServerTls } from '../server/tls-credentials.ts';
import type { TlsSink } from '../server/tls-stream.ts';
import { KiB } from '../units.ts';
import type { Outbox } from './event-ring.ts';
import { RECEIVE_BYTES, SEND_BYTES, type Slot, ToMain, ToWorker, Word } from './slot.ts';

/** Room in the ring goes back when a write was taken whole; and shorter ones need no stream of Node's. */
const PIECE = 64 * KiB;
/** With less room than this nothing is read until half of the ring is free: no tiny reads. */
const READ_LEAST = 64 * KiB;

/** The thread, as its relays see it. */
export interface RelayHost {
  readonly outbox: Outbox;
  readonly tls: ServerTls | undefined;
  /** Something came or went. */
  traffic(): void;
  /** The kernel has not taken all: `progress` is to be called now and then. */
  stuck(relay: Relay): void;
  gone(relay: Relay): void;
}

export class Relay implements TlsSink {
  readonly slot: Slot;
  readonly #host: RelayHost;
  #stream: ByteStream | undefined;
  /** Bytes of the write that the kernel has not taken whole; 0: there is none. */
  #inFlight = 0;
  /** As the main thread wants it. */
  #paused = false;
  /** The stream does not read. */
  #stopped = true;
  #secure = false;
  #ending = false;
  #closed = false;

  constructor(slot: Slot, host: RelayHost) {
    this.slot = slot;
    this.#host = host;
  }

  /** @param bits what was said before the socket was here. */
  open(stream: ByteStream, bits: number): void {
    this.#stream = stream;
    this.happened(bits | ToWorker.READ);
  }

  happened(bits: number): void {
    if (this.#closed) return;
    if ((bits & ToWorker.DESTROY) !== 0) return this.#stream?.destroy();
    if ((bits & ToWorker.SECURE) !== 0) this.#secure = true;
    if ((bits & ToWorker.END) !== 0) this.#ending = true;
    if ((bits & ToWorker.READ) !== 0) this.#readOn();
    this.#pump();
  }

  target(): Uint8Array {
    return this.slot.receive.place(READ_LEAST);
  }

  received(length: number): boolean {
    this.slot.receive.put(length);
    this.#host.outbox.raise(this.slot, ToMain.DATA);
    this.#host.traffic();
    this.#stopped = this.#paused || !this.#hasRoom();
    return !this.#stopped;
  }

  ended(): void {
    this.#host.outbox.raise(this.slot, ToMain.ENDED);
    this.#host.traffic();
  }

  written(): void {
    if (this.#inFlight === 0 || this.#closed) return;
    this.#sent();
    this.#pump();
    this.#host.traffic();
  }

  cutOff(reason: string): void {
    if (this.#closed) return;
    this.slot.text = reason;
    Atomics.store(this.slot.words, Word.CUT_OFF, 1);
    this.#stream?.destroy();
  }

  closed(reason: string | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    const { slot } = this;
    if (Atomics.load(slot.words, Word.CUT_OFF) === 0) slot.text = reason ?? '';
    this.#host.gone(this);
    this.#host.outbox.raise(slot, ToMain.CLOSED);
    this.#host.traffic();
  }

  /** Says how much of a long write the kernel has. @returns false: there is none. */
  progress(): boolean {
    if (this.#closed || this.#inFlight === 0) return false;
    const taken = this.#inFlight - (this.#stream?.unsent ?? 0);
    Atomics.store(this.slot.words, Word.TAKEN, Math.max(0, Math.min(taken, this.#inFlight)));
    return true;
  }

  /** @returns false: the main thread will say when there is room again. */
  #hasRoom(): boolean {
    const { receive, words } = this.slot;
    if (receive.free >= READ_LEAST) return true;
    Atomics.store(words, Word.READ_WAITS, 1);
    // Room may have been made before that was seen.
    if (receive.free < RECEIVE_BYTES / 2) return false;
    Atomics.store(words, Word.READ_WAITS, 0);
    return true;
  }

  #readOn(): void {
    this.#paused = Atomics.load(this.slot.words, Word.PAUSED) !== 0;
    if (this.#paused || !this.#stopped) return;
    if (Atomics.load(this.slot.words, Word.READ_WAITS) !== 0) return;
    this.#stopped = false;
    this.#stream?.resume();
  }

  /** Sends what there is, as long as the kernel takes it. */
  #pump(): void {
    const { send, words } = this.slot;
    const stream = this.#stream;
    while (stream !== undefined && this.#inFlight === 0) {
      const front = send.front(PIECE);
      // Looked at behind the bytes: what must not be answered before we pause is not sent before.
      if (!this.#paused && Atomics.load(words, Word.PAUSED) !== 0) {
        this.#paused = this.#stopped = true;
        stream.pause();
      }
      if (front.length === 0) return this.#allSent();
      this.#inFlight = front.length;
      if (!stream.write([front])) return this.#host.stuck(this);
      this.#sent();
    }
  }

  #sent(): void {
    const { send, words } = this.slot;
    send.take(this.#inFlight);
    this.#inFlight = 0;
    Atomics.store(words, Word.TAKEN, 0);
    if (Atomics.load(words, Word.SEND_WAITS) === 0 || send.free < SEND_BYTES / 2) return;
    Atomics.store(words, Word.SEND_WAITS, 0);
    this.#host.outbox.raise(this.slot, ToMain.SPACE);
  }

  #allSent(): void {
    if (this.#secure) {
      this.#secure = false;
      this.#wrap();
    } else if (this.#ending) {
      this.#ending = false;
      this.#stream?.end();
    }
  }

  /** Nothing was read since the main thread said so; what was read before it did is too much. */
  #wrap(): void {
    if (this.slot.receive.used > 0) {
      return this.cutOff('bytes behind STARTTLS that were not encrypted');
    }
    const { tls } = this.#host;
    const secured = tls === undefined ? undefined : this.#stream?.secure(tls, this);
    if (secured === undefined) return this.cutOff('TLS, which is not offered');
    Atomics.store(this.slot.words, Word.PAUSED, 0);
    this.#paused = this.#stopped = false;
    this.#stream = secured;
    this.#host.outbox.raise(this.slot, ToMain.SECURED);
  }
}
