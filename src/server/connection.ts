/** One client from greeting to goodbye: haggles, takes requests out of the received bytes, hands them
 *  to the session and pauses the socket when the session or the client cannot follow.
 *  Source: nbd-protocol.md sections 2, 3.2, 3.6 and 3.7. */

import {
  COMPACT_REQUEST_BYTES,
  Command,
  DecodeStatus,
  decodeRequest,
  NbdError,
  RequestHeader,
  ServerHandshake,
} from 'nbd-server-protocol-ts';
import { check, type Refusal } from '../export/check.ts';
import type { NbdExport } from '../export/nbd-export.ts';
import { Session, type SessionHost } from '../export/session.ts';
import { limits } from './limits.ts';
import { type ByteDrain, Output } from './output.ts';
import { Payload } from './payload.ts';
import type { ByteSink, SocketStream } from './receive.ts';
import type { ServerContext } from './server.ts';

const shuttingDown: Refusal = { error: NbdError.ESHUTDOWN, text: 'the server is shutting down' };
const noMemory: Refusal = { error: NbdError.ENOSPC, text: 'no memory left to receive the data' };

/** The socket asks for a place for its next bytes also when it is paused and the window is full. */
const SPARE = 4096;

type Phase = 'haggling' | 'transmission' | 'finishing' | 'closed';

export class Connection implements ByteSink, ByteDrain, SessionHost {
  readonly #context: ServerContext;
  readonly #id: number;
  readonly #buffer = new Uint8Array(limits.receiveBuffer.max + SPARE);
  readonly #view = new DataView(this.#buffer.buffer);
  readonly #header = new RequestHeader();
  readonly #payload: Payload;
  #stream: SocketStream | undefined;
  #handshake: ServerHandshake<NbdExport> | undefined;
  readonly #output: Output;
  #session: Session | undefined;
  #agreedFlags = 0;
  #phase: Phase = 'haggling';
  #shuttingDown = false;
  /** The window of received bytes that were not consumed: [at, end) of the buffer. */
  #at = 0;
  #end = 0;
  /** Where the socket was told to put the next bytes: into the payload, or at this place here. */
  #direct = false;
  #targetAt = 0;
  /** Bytes of the command that the session holds, to be consumed once it is on its way. */
  #stalledBytes = 0;
  /** Bytes of a refused payload that are still to be thrown away, and what to answer then. */
  #drainLeft = 0;
  #refusal: Refusal | undefined;
  #held = false;
  #reason: string | undefined;
  #cancelTimeout: () => void;

  constructor(context: ServerContext, id: number) {
    this.#context = context;
    this.#id = id;
    this.#payload = new Payload(context.allocator);
    this.#output = new Output(context.turn, context.chunks, this);
    this.#handshake = new ServerHandshake<NbdExport>(context.host);
    this.#cancelTimeout = context.scheduler.timeout(
      () => this.#fail('no agreement within the time for it'),
      limits.handshakeTime.max,
    );
  }

  /** The server speaks first. */
  open(stream: SocketStream): void {
    this.#stream = stream;
    this.#context.log.debug({ connection: this.#id, from: stream.remoteAddress }, 'connected');
    if (this.#handshake !== undefined) this.#output.raw(this.#handshake.greeting());
    stream.resume();
    this.#context.turn.end();
  }

  // ---- bytes in -----------------------------------------------------------------------------

  target(): Uint8Array {
    this.#direct = this.#payload.receiving;
    if (this.#direct) return this.#payload.target();
    this.#targetAt = this.#end;
    const full = this.#end >= limits.receiveBuffer.max;
    return this.#buffer.subarray(this.#end, full ? this.#buffer.length : limits.receiveBuffer.max);
  }

  received(length: number): boolean {
    const { pacing, turn } = this.#context;
    pacing.traffic();
    if (this.#direct) {
      this.#payloadReceived(length);
    } else {
      this.#extendWindow(length);
      this.#feedPayload();
    }
    this.#consume(Number.POSITIVE_INFINITY);
    turn.end();
    return !this.#held;
  }

  ended(): void {
    if (this.#phase === 'haggling') this.#stream?.destroy();
    else this.#finish();
    this.#context.turn.end();
  }

  closed(reason: string | undefined): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#cancelTimeout();
    this.#output.close();
    this.#payload.discard();
    this.#session?.abandon();
    this.#context.gone(this);
    const facts = { connection: this.#id, reason: this.#reason ?? reason ?? 'client' };
    if (this.#reason === undefined) this.#context.log.debug(facts, 'disconnected');
    else this.#context.log.warn(facts, 'disconnected');
    this.#context.turn.end();
  }

  // ---- bytes out ----------------------------------------------------------------------------

  write(parts: readonly Uint8Array[]): boolean {
    return this.#stream?.write(parts) ?? true;
  }

  written(): void {
    this.#output.sent();
    this.#goOn();
    this.#context.turn.end();
  }

  /** The output has nothing left. */
  drained(): void {
    if (this.#phase === 'finishing' || this.#shuttingDown) this.#endIfIdle();
  }

  // ---- the session's wishes -----------------------------------------------------------------

  sessionReady(quota: number): void {
    const session = this.#session;
    if (session === undefined) return;
    const submitted = session.proceed();
    session.hctx.unplug();
    if (!submitted) return;
    const took = this.#stalledBytes > 0 ? 1 : 0;
    this.#at += this.#stalledBytes;
    this.#stalledBytes = 0;
    if (this.#phase !== 'closed') this.#goOn(quota - took);
  }

  sessionIdle(): void {
    if (this.#phase === 'finishing' || this.#shuttingDown) this.#endIfIdle();
  }

  /** Ends the connection once its requests in flight have their replies; new ones are refused. */
  shutdown(): void {
    this.#shuttingDown = true;
    this.#endIfIdle();
  }

  destroy(): void {
    this.#stream?.destroy();
  }

  // ---- consuming ----------------------------------------------------------------------------

  #goOn(quota = Number.POSITIVE_INFINITY): void {
    if (!this.#held || this.#stalledBytes > 0) return;
    this.#held = false;
    this.#consume(quota);
    if (!this.#held) this.#stream?.resume();
  }

  /** Takes what it can out of the window; afterwards no borrowed byte of it is needed. */
  #consume(quota: number): void {
    if (this.#phase === 'haggling') this.#haggle();
    if (this.#phase === 'transmission' && this.#session !== undefined) {
      this.#takeRequests(this.#session, quota);
      this.#session.hctx.unplug();
    }
    if (this.#phase === 'finishing') this.#at = this.#end;
    if (this.#stalledBytes === 0) this.#tidyWindow();
  }

  /** `length` bytes came to where the socket was told to put them, before it was paused: the window
   *  may have moved since. */
  #extendWindow(length: number): void {
    if (this.#targetAt !== this.#end) {
      if (this.#at === this.#end) this.#at = this.#end = this.#targetAt;
      else this.#buffer.copyWithin(this.#end, this.#targetAt, this.#targetAt + length);
    }
    this.#end += length;
  }

  /** Leaves room behind the window for the longest request that is kept in it. */
  #tidyWindow(): void {
    if (this.#at === this.#end) {
      this.#at = this.#end = 0;
    } else if (this.#at > this.#buffer.length / 2) {
      this.#buffer.copyWithin(0, this.#at, this.#end);
      this.#end -= this.#at;
      this.#at = 0;
    }
  }

  #haggle(): void {
    const handshake = this.#handshake;
    if (handshake === undefined) return;
    const progress = handshake.receive(this.#buffer, this.#at, this.#end);
    this.#at += progress.consumed;
    this.#output.raw(progress.output);
    if (progress.state === 'haggling') return;
    this.#handshake = undefined;
    this.#cancelTimeout();
    if (progress.state === 'closed') {
      this.#at = this.#end;
      if (!progress.orderly) this.#reason = progress.reason;
      this.#finish();
      return;
    }
    const { agreed } = progress;
    this.#agreedFlags = agreed.flags;
    this.#output.agree(agreed.structuredReplies);
    this.#session = new Session(agreed.export, this.#output, this, this.#context);
    this.#phase = 'transmission';
    const facts = { connection: this.#id, export: agreed.export.name };
    this.#context.log.info({ ...facts, structured: agreed.structuredReplies }, 'transmission');
  }

  #takeRequests(session: Session, quota: number): void {
    const header = this.#header;
    for (let taken = 0; ; taken++) {
      if (this.#drainLeft > 0 && !this.#drain()) return;
      if (this.#payload.receiving || this.#phase !== 'transmission') return;
      if (this.#at === this.#end) return;
      if (session.busy || this.#output.backlogged || taken >= quota) {
        this.#held = true;
        if (taken >= quota) session.hctx.pool.wait(session);
        return;
      }
      const status = decodeRequest(this.#view, this.#at, this.#end, header);
      if (status === DecodeStatus.INCOMPLETE) return;
      if (status === DecodeStatus.BAD_MAGIC) {
        this.#fail('bytes that are no request (wrong magic)');
        return;
      }
      if (!this.#takeRequest(session, header)) return;
    }
  }

  /** One request whose header is in the window. @returns false: its payload is not there yet, or it
   *  has to wait, or it was the last. */
  #takeRequest(session: Session, header: RequestHeader): boolean {
    if (header.command === Command.DISC) {
      this.#finish();
      return false;
    }
    const payload = header.command === Command.WRITE ? header.length : 0;
    const refusal = this.#shuttingDown
      ? shuttingDown
      : check(header, this.#agreedFlags, session.export.size);
    const start = this.#at + COMPACT_REQUEST_BYTES;
    if (refusal !== undefined) return this.#refuse(refusal, payload, start);
    if (start + payload <= this.#end) {
      if (session.execute(header, this.#buffer, start)) {
        this.#at = start + payload;
        return true;
      }
      this.#stalledBytes = COMPACT_REQUEST_BYTES + payload;
      this.#held = true;
      return false;
    }
    if (payload <= limits.payloadInBuffer.max) return false;
    this.#at = start;
    this.#beginPayload(header, payload);
    return true;
  }

  #refuse(refusal: Refusal, payload: number, start: number): boolean {
    if (payload > limits.payloadDrained.max) {
      this.#fail(`a write of ${payload} bytes`);
      return false;
    }
    this.#at = start;
    this.#refusal = refusal;
    this.#drainLeft = payload;
    return this.#drain();
  }

  /** Throws away what is there of a refused payload; answers when it is all gone. */
  #drain(): boolean {
    const there = Math.min(this.#drainLeft, this.#end - this.#at);
    this.#at += there;
    this.#drainLeft -= there;
    if (this.#drainLeft > 0) return false;
    const { cookieHigh, cookieLow } = this.#header;
    const refusal = this.#refusal ?? shuttingDown;
    this.#output.error(cookieHigh, cookieLow, refusal.error, refusal.text);
    return true;
  }

  // ---- long payloads ------------------------------------------------------------------------

  /** Takes what the window has of a long payload; the rest is received into its place. */
  #beginPayload(header: RequestHeader, length: number): void {
    if (this.#payload.begin(header.offset, length)) this.#feedPayload();
    else this.#drainPayload();
  }

  /** Moves what the window has into the payload that is being received. */
  #feedPayload(): void {
    while (this.#payload.receiving && this.#at < this.#end) {
      const target = this.#payload.target();
      const there = Math.min(target.length, this.#end - this.#at);
      target.set(this.#buffer.subarray(this.#at, this.#at + there));
      this.#at += there;
      this.#payloadReceived(there);
    }
  }

  #payloadReceived(length: number): void {
    if (!this.#payload.received(length)) this.#drainPayload();
    else if (!this.#payload.receiving) this.#executePayload();
  }

  /** There is no memory for the rest: it is refused like any other. */
  #drainPayload(): void {
    this.#drainLeft = this.#payload.left;
    this.#refusal = noMemory;
    this.#payload.discard();
    if (this.#drainLeft === 0) this.#drain();
  }

  #executePayload(): void {
    const { segments } = this.#payload;
    if (this.#session === undefined) return;
    if (!this.#session.execute(this.#header, this.#buffer, 0, segments)) this.#held = true;
  }

  // ---- the end ------------------------------------------------------------------------------

  /** Takes no more requests; what is in flight gets its reply, then the connection ends. */
  #finish(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'finishing';
    this.#held = false;
    this.#endIfIdle();
  }

  #endIfIdle(): void {
    if ((this.#session?.inFlight ?? 0) === 0 && this.#output.empty) this.#stream?.end();
  }

  #fail(reason: string): void {
    this.#reason = reason;
    this.#stream?.destroy();
  }
}
