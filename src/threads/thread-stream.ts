/** A client whose socket is in another thread, as the main thread sees it: like one that is here. */

import type { DirectOffer } from '../export/direct-offer.ts';
import { copyBytes } from '../pages/copy-bytes.ts';
import type { ByteSink, ByteStream, TlsSink } from '../server/byte-stream.ts';
import type { ServerFault } from '../server/server-faults.ts';
import type { Outbox } from './event-ring.ts';
import { RECEIVE_BYTES, type Slot, ToMain, ToWorker, Word } from './slot.ts';

/** The thread, as its streams see it. */
export interface StreamHost {
  readonly outbox: Outbox;
  /** There is something to do for it that no event tells of: `proceed` is to be called. */
  ready(stream: ThreadStream): void;
  gone(stream: ThreadStream): void;
  /** Tells the thread what was agreed on with the client. */
  offer(stream: ThreadStream, offer: DirectOffer): void;
}

export class ThreadStream implements ByteStream {
  readonly remoteAddress: string | undefined;
  readonly slot: Slot;
  readonly #host: StreamHost;
  readonly #sink: ByteSink;
  #cutOff: (reason: string) => void = () => {};
  /** The sink wants nothing until it resumes. */
  #held = true;
  /** Nothing is believed until the other thread says that it is encrypted. */
  #securing = false;
  #taking = false;
  /** What the ring had no room for, and how much of the first was copied. */
  #queue: Uint8Array[] = [];
  #firstAt = 0;
  #queuedBytes = 0;
  #ending = false;
  /** no: the client sends; heard: it has said goodbye, told: and the sink knows. */
  #peerEnd: 'no' | 'heard' | 'told' = 'no';
  #gone = false;
  #destroyed = false;

  constructor(slot: Slot, sink: ByteSink, remoteAddress: string | undefined, host: StreamHost) {
    this.slot = slot;
    this.#sink = sink;
    this.remoteAddress = remoteAddress;
    this.#host = host;
  }

  get unsent(): number {
    const taken = Atomics.load(this.slot.words, Word.TAKEN);
    const own = Atomics.load(this.slot.words, Word.OWN_UNSENT);
    return this.#queuedBytes + Math.max(0, this.slot.send.used - taken) + own;
  }

  get taken(): number {
    const { words, send } = this.slot;
    const taken = Atomics.load(words, Word.TAKEN);
    return (send.tail + taken - Atomics.load(words, Word.OWN_UNSENT)) >>> 0;
  }

  get batchesElsewhere(): number {
    return Atomics.load(this.slot.words, Word.OWN_BATCHES) >>> 0;
  }

  offer(offer: DirectOffer): void {
    if (!this.#gone) this.#host.offer(this, offer);
  }

  /** What the other thread has put into the ring by then is ours all the same: it sees that there is more
   *  than when it was lent. */
  lend(): void {
    const { words, receive } = this.slot;
    if (this.#deaf || this.#ending || this.#queue.length > 0 || this.#peerEnd !== 'no') return;
    const { head } = receive;
    if (receive.used > 0) return;
    Atomics.store(words, Word.LEASE_AT, head);
    this.#say(ToWorker.LEASE);
  }

  revoke(): void {
    Atomics.store(this.slot.words, Word.REVOKED, 1);
  }

  write(parts: readonly Uint8Array[]): boolean {
    if (this.#gone || this.#destroyed) return false;
    for (const part of parts) {
      this.#queue.push(part);
      this.#queuedBytes += part.length;
    }
    return this.#fill();
  }

  pause(): void {
    Atomics.store(this.slot.words, Word.PAUSED, 1);
  }

  resume(): void {
    this.#held = false;
    if (this.#gone || this.#destroyed) return;
    if (this.#securing) return;
    if (Atomics.exchange(this.slot.words, Word.PAUSED, 0) === 1) this.#say(ToWorker.READ);
    // Not at once: the caller is in the middle of something.
    if (this.slot.receive.used > 0 || this.#peerEnd === 'heard') this.#host.ready(this);
  }

  end(): void {
    this.#ending = true;
    if (this.#queue.length === 0) this.#say(ToWorker.END);
    this.resume();
  }

  destroy(): void {
    if (this.#gone || this.#destroyed) return;
    this.#destroyed = true;
    this.#dropQueue();
    this.#say(ToWorker.DESTROY);
  }

  secure(_: unknown, sink: TlsSink): ByteStream {
    this.#cutOff = (reason) => sink.cutOff(reason);
    this.#securing = true;
    this.#held = false;
    this.#say(ToWorker.SECURE);
    return this;
  }

  /** The other thread has said something. */
  happened(bits: number): void {
    if ((bits & ToMain.SPACE) !== 0) this.#goOnWriting();
    if ((bits & ToMain.SECURED) !== 0) this.#securing = false;
    if ((bits & ToMain.ENDED) !== 0 && this.#peerEnd === 'no') this.#peerEnd = 'heard';
    this.proceed();
    if ((bits & ToMain.CLOSED) !== 0) this.#tellClosed();
  }

  /** Takes what has come, as far as the sink wants it. */
  proceed(): void {
    this.#take();
    if (this.#peerEnd !== 'heard' || this.#held || this.#deaf) return;
    if (this.slot.receive.used > 0) return;
    this.#peerEnd = 'told';
    this.#sink.ended();
  }

  /** The other thread is no more, or the socket never came there. */
  lost(reason: string, fault?: ServerFault): void {
    this.slot.text = reason;
    this.#tellClosed(fault);
  }

  get #deaf(): boolean {
    return this.#gone || this.#destroyed || this.#securing;
  }

  #say(bits: number): void {
    if (!this.#gone) this.#host.outbox.raise(this.slot, bits);
  }

  #take(): void {
    if (this.#taking) return;
    this.#taking = true;
    const { receive } = this.slot;
    // Others have their turn after one ring full.
    for (let left = RECEIVE_BYTES; left > 0 && !this.#held && !this.#deaf; ) {
      if (receive.used === 0) break;
      const target = this.#sink.target();
      const front = receive.front(target.length);
      copyBytes(target, front);
      receive.take(front.length);
      left -= front.length;
      this.#makeRoom();
      if (!this.#sink.received(front.length)) this.#held = true;
    }
    this.#taking = false;
    if (!this.#held && !this.#deaf && receive.used > 0) this.#host.ready(this);
  }

  /** Lets the other thread read on, if it waits for that. */
  #makeRoom(): void {
    const { words, receive } = this.slot;
    if (Atomics.load(words, Word.READ_WAITS) === 0 || receive.free < RECEIVE_BYTES / 2) return;
    Atomics.store(words, Word.READ_WAITS, 0);
    this.#say(ToWorker.READ);
  }

  /** Copies into the ring what fits. @returns whether that was all. */
  #fill(): boolean {
    const { words } = this.slot;
    let all = this.#copy();
    if (!all) {
      Atomics.store(words, Word.SEND_WAITS, 1);
      // Room may have been made before that was seen.
      all = this.#copy();
      if (all) Atomics.store(words, Word.SEND_WAITS, 0);
    }
    this.#say(ToWorker.SEND);
    return all;
  }

  #copy(): boolean {
    const queue = this.#queue;
    const { send } = this.slot;
    let done = 0;
    for (; done < queue.length; done++) {
      const part = queue[done];
      if (part === undefined) continue;
      const length = send.push(part, this.#firstAt);
      this.#queuedBytes -= length;
      this.#firstAt += length;
      if (this.#firstAt < part.length) break;
      this.#firstAt = 0;
    }
    if (done === queue.length) queue.length = 0;
    else if (done > 0) queue.splice(0, done);
    return queue.length === 0;
  }

  #goOnWriting(): void {
    if (this.#queue.length === 0 || !this.#fill()) return;
    if (this.#ending) this.#say(ToWorker.END);
    this.#sink.written();
  }

  #dropQueue(): void {
    this.#queue = [];
    this.#firstAt = this.#queuedBytes = 0;
  }

  #tellClosed(lostBy?: ServerFault): void {
    if (this.#gone) return;
    const { text, words } = this.slot;
    const fault = lostBy ?? this.slot.fault;
    if (Atomics.load(words, Word.CUT_OFF) !== 0) this.#cutOff(text);
    this.#gone = true;
    this.#dropQueue();
    this.#host.gone(this);
    this.#sink.closed(text === '' ? undefined : text, fault);
  }
}
