/** A client's socket in its own thread: what it sends goes into one ring, what it is to be sent comes
 *  out of the other. Knows no protocol, and of TLS only when it begins. */

import type { ByteStream, TlsSink } from '../server/byte-stream.ts';
import type { ServerFault } from '../server/server-faults.ts';
import type { ServerTls } from '../server/tls-credentials.ts';
import { bug, KiB } from '../units.ts';
import type { Outbox } from './event-ring.ts';
import { LEASE_WINDOW_BYTES, type Lease } from './lease.ts';
import { RECEIVE_BYTES, SEND_BYTES, type Slot, ToMain, ToWorker, Word } from './slot.ts';

/** Room in the ring goes back when a write was taken whole; and shorter ones need no stream of Node's. */
const PIECE = 64 * KiB;
/** With less room than this nothing is read until half of the ring is free: no tiny reads. */
const READ_LEAST = 64 * KiB;

/** The thread, as its relays see it. */
export interface RelayHost {
  readonly outbox: Outbox;
  readonly tls: ServerTls | undefined;
  /** Something came or went. @param own it was executed here. */
  traffic(own?: boolean): void;
  /** The kernel has not taken all: `progress` is to be called now and then. */
  stuck(relay: Relay): void;
  gone(relay: Relay): void;
  /** What it takes to execute the client's requests here; undefined: that cannot be. */
  lease(slot: Slot, send: (part: Uint8Array) => boolean): Lease | undefined;
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
  /** Made when the client is lent for the first time. */
  #lease: Lease | undefined;
  /** The client is ours: nothing of it is in a ring. */
  #lent = false;
  #lendAsked = false;
  /** The place that the socket was told last is in the ring, or is the lease's. */
  #targetLent = false;
  /** Replies of ours that the kernel has not taken whole. */
  #ownUnsent = false;
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
    if ((bits & ToWorker.END) !== 0) {
      this.#giveBack();
      this.#ending = true;
    }
    if ((bits & ToWorker.READ) !== 0) this.#readOn();
    if ((bits & ToWorker.LEASE) !== 0) this.#lendAsked = true;
    this.#pump();
  }

  target(): Uint8Array {
    this.#targetLent = this.#lent;
    if (this.#lent && this.#lease !== undefined) return this.#lease.target();
    return this.slot.receive.place(READ_LEAST);
  }

  received(length: number): boolean {
    if (this.#lent && this.#takeLent(length)) {
      this.#stopped = this.#serve();
      this.#host.traffic(this.#lent);
      return !this.#stopped;
    }
    const { receive } = this.slot;
    const lease = this.#lease;
    if (this.#targetLent && lease !== undefined) receive.push(lease.incoming(length), 0);
    else receive.put(length);
    this.#host.outbox.raise(this.slot, ToMain.DATA);
    this.#host.traffic();
    this.#stopped = this.#paused || !this.#hasRoom();
    return !this.#stopped;
  }

  ended(): void {
    this.#giveBack();
    this.#host.outbox.raise(this.slot, ToMain.ENDED);
    this.#host.traffic();
  }

  written(): void {
    if (this.#ownUnsent) return this.#ownWritten();
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

  closed(reason: string | undefined, fault?: ServerFault): void {
    if (this.#closed) return;
    this.#closed = true;
    const { slot } = this;
    slot.ended(reason, fault);
    this.#host.gone(this);
    this.#host.outbox.raise(slot, ToMain.CLOSED);
    this.#host.traffic();
  }

  /** Says how much of a long write the kernel has. @returns false: there is none. */
  progress(): boolean {
    if (this.#closed) return false;
    if (this.#ownUnsent) {
      Atomics.store(this.slot.words, Word.OWN_UNSENT, this.#stream?.unsent ?? 0);
      return true;
    }
    if (this.#lent) return this.#watchHalf();
    if (this.#inFlight === 0) return false;
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
    if (this.#ownUnsent) return; // what comes from the main thread goes behind it
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
    } else if (this.#lendAsked) {
      this.#lendAsked = false;
      this.#borrow();
    }
  }

  /** The client is ours, if nothing has come of it since the main thread said so. */
  #borrow(): void {
    const { slot } = this;
    const { receive, words } = slot;
    if (this.#lent || this.#paused || receive.head !== Atomics.load(words, Word.LEASE_AT)) return;
    this.#lease ??= this.#host.lease(slot, (part) => this.#sendOwn(part));
    this.#lent = this.#lease !== undefined;
  }

  /** The client is the main thread's again, with what it has sent that is not executed. */
  #giveBack(): void {
    const lease = this.#lease;
    if (!this.#lent || lease === undefined) return;
    this.#lent = false;
    const rest = lease.takeRest();
    if (rest.length === 0) return;
    if (this.slot.receive.push(rest, 0) < rest.length) bug('a ring has no room for what was lent');
    this.#host.outbox.raise(this.slot, ToMain.DATA);
  }

  /** @returns false: more came than could be executed here. */
  #takeLent(length: number): boolean {
    const lease = this.#lease;
    if (lease === undefined) return false;
    if (this.#targetLent) {
      lease.extend(length);
      return true;
    }
    this.#lent = length <= LEASE_WINDOW_BYTES;
    if (!this.#lent) return false;
    lease.copyIn(this.slot.receive.place(READ_LEAST).subarray(0, length));
    return true;
  }

  /** Executes what has come. @returns whether nothing may be read for now. */
  #serve(): boolean {
    const lease = this.#lease;
    const { words } = this.slot;
    if (lease === undefined) return false;
    Atomics.add(words, Word.OWN_BATCHES, 1);
    const how = lease.serve();
    if (how === 'lost') this.cutOff('no memory for its requests');
    if (this.#ownUnsent) {
      this.#host.stuck(this);
      return true;
    }
    if (how === 'foreign' || Atomics.load(words, Word.REVOKED) !== 0) {
      this.#giveBack();
      return this.#paused || !this.#hasRoom();
    }
    if (!lease.empty) this.#host.stuck(this);
    return false;
  }

  #sendOwn(part: Uint8Array): boolean {
    if (this.#stream?.write([part]) === true) return true;
    this.#ownUnsent = true;
    Atomics.store(this.slot.words, Word.OWN_UNSENT, this.#stream?.unsent ?? 0);
    return false;
  }

  #ownWritten(): void {
    if (this.#closed) return;
    this.#ownUnsent = false;
    Atomics.store(this.slot.words, Word.OWN_UNSENT, 0);
    if (!this.#lent || !this.#serve()) this.#readOn();
    this.#pump();
    this.#host.traffic(this.#lent);
  }

  /** A client that stops in the middle of a request is the main thread's to judge.
   *  @returns whether to look again. */
  #watchHalf(): boolean {
    const lease = this.#lease;
    if (lease === undefined || lease.empty) return false;
    if (!lease.stands) return true;
    this.#giveBack();
    return false;
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
