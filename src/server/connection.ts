/** One client from greeting to goodbye: haggles, takes requests out of the received bytes, hands them
 *  to the session and pauses the socket when the session or the client cannot follow.
 *  Source: nbd-protocol.md sections 2, 3.2, 3.6 and 3.7. */

import {
  type Agreed,
  COMPACT_REQUEST_BYTES,
  Command,
  DecodeStatus,
  decodeExtendedRequest,
  decodeRequest,
  EXTENDED_REQUEST_BYTES,
  NbdError,
  payloadBytes,
  RequestHeader,
  ServerHandshake,
  type TlsMode,
} from 'nbd-server-protocol-ts';
import type { Refusal } from '../export/check.ts';
import type { NbdExport } from '../export/nbd-export.ts';
import { Session } from '../export/session.ts';
import type { SessionHost } from '../export/session-host.ts';
import { limits } from './limits.ts';
import { type ByteDrain, Output } from './output.ts';
import { Payload } from './payload.ts';
import type { ByteSink, ByteStream } from './receive.ts';
import { RefusedCommand } from './refused.ts';
import type { ServerContext } from './server.ts';
import type { WaitsFor, Watched } from './watch.ts';
import { ReceiveWindow } from './window.ts';

const noMemory: Refusal = { error: NbdError.ENOSPC, text: 'no memory left to receive the data' };

/** starttls: the ACK is on its way out, and nothing is read. */
type Phase = 'haggling' | 'starttls' | 'transmission' | 'finishing' | 'closed';

export class Connection implements ByteSink, ByteDrain, SessionHost, Watched {
  readonly #context: ServerContext;
  readonly #id: number;
  #window = new ReceiveWindow();
  readonly #header = new RequestHeader();
  readonly #payload: Payload;
  #stream: ByteStream | undefined;
  #handshake: ServerHandshake<NbdExport> | undefined;
  readonly #output: Output;
  #session: Session | undefined;
  /** Requests have 64-bit lengths. */
  #extended = false;
  #headerBytes = COMPACT_REQUEST_BYTES;
  #phase: Phase = 'haggling';
  /** Why every further command is refused; undefined: they are not. */
  #shutDown: Refusal | undefined = undefined;
  /** Where the socket was told to put the next bytes: into the payload, or into the window. */
  #direct = false;
  /** Bytes of the command that the session holds, to be consumed once it is on its way. */
  #stalledBytes = 0;
  readonly #refused = new RefusedCommand();
  #held = false;
  #reason: string | undefined;
  /** How often bytes came or went. */
  #entries = 0;
  #cancelTimeout: () => void;

  /** @param tls what the way in demands. */
  constructor(context: ServerContext, id: number, tls: TlsMode) {
    this.#context = context;
    this.#id = id;
    this.#payload = new Payload(context.allocator);
    this.#output = new Output(context.turn, context.chunks, this);
    const can = { tls, extendedHeaders: true };
    this.#handshake = new ServerHandshake<NbdExport>(context.host, can);
    this.#cancelTimeout = context.scheduler.timeout(
      () => this.#fail('no agreement within the time for it'),
      context.limits.handshakeTime * 1000,
    );
  }

  /** The export that it agreed on. */
  get export(): NbdExport | undefined {
    return this.#session?.export;
  }

  /** See `Watched`: entries in the high bits, what the kernel has not taken in the low ones. */
  get moved(): number {
    return (this.#entries % 2 ** 19) * 2 ** 33 + (this.#stream?.unsent ?? 0);
  }

  get waitsFor(): WaitsFor {
    // While haggling the time for that is the limit.
    if (this.#isHaggling) return 'us';
    const unsent = !this.#output.empty || (this.#stream?.unsent ?? 0) > 0;
    if (unsent || this.#payload.receiving || this.#refused.pending) return 'client';
    if ((this.#session?.inFlight ?? 0) > 0 || this.#held) return 'us';
    const half = this.#phase === 'finishing' || !this.#window.empty;
    return half ? 'client' : 'nothing';
  }

  cutOff(reason: string): void {
    this.#fail(reason);
  }

  /** The server speaks first. */
  open(stream: ByteStream): void {
    this.#stream = stream;
    this.#context.log.debug(
      { connection: this.#id, from: stream.remoteAddress ?? 'unix' },
      'connected',
    );
    if (this.#handshake !== undefined) this.#output.raw(this.#handshake.greeting());
    stream.resume();
    this.#context.turn.end();
  }

  target(): Uint8Array {
    this.#direct = this.#payload.receiving;
    return this.#direct ? this.#payload.target() : this.#window.target();
  }

  received(length: number): boolean {
    const { pacing, turn } = this.#context;
    pacing.traffic();
    this.#entries++;
    if (this.#direct) {
      this.#payloadReceived(length);
    } else {
      this.#window.extend(length);
      this.#feedPayload();
    }
    turn.end(this.#consume(Number.POSITIVE_INFINITY));
    return !this.#held;
  }

  ended(): void {
    if (this.#isHaggling) this.#stream?.destroy();
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

  write(parts: readonly Uint8Array[]): boolean {
    return this.#stream?.write(parts) ?? true;
  }

  written(): void {
    this.#entries++;
    this.#output.sent();
    this.#goOn();
    this.#context.turn.end();
  }

  /** The output has nothing left. */
  drained(): void {
    if (this.#phase === 'starttls') {
      // Not inside a read of the socket that is given away.
      this.#context.scheduler.immediate(() => this.#secure());
    } else if (this.#phase === 'finishing' || this.#shutDown !== undefined) this.#endIfIdle();
  }

  sessionReady(quota: number): void {
    const session = this.#session;
    if (session === undefined) return;
    const submitted = session.proceed();
    session.unplug();
    if (!submitted) return;
    const took = this.#stalledBytes > 0 ? 1 : 0;
    this.#window.at += this.#stalledBytes;
    this.#stalledBytes = 0;
    if (this.#phase !== 'closed') this.#goOn(quota - took);
  }

  sessionIdle(): void {
    if (this.#phase === 'finishing' || this.#shutDown !== undefined) this.#endIfIdle();
  }

  /** Ends the connection once its requests in flight have their replies; new ones are refused. */
  shutdown(why: Refusal): void {
    this.#shutDown = why;
    this.#endIfIdle();
  }

  destroy(): void {
    this.#stream?.destroy();
  }

  get #isHaggling(): boolean {
    return this.#phase === 'haggling' || this.#phase === 'starttls';
  }

  #goOn(quota = Number.POSITIVE_INFINITY): void {
    if (!this.#held || this.#stalledBytes > 0 || this.#phase === 'starttls') return;
    this.#held = false;
    this.#consume(quota);
    if (!this.#held) this.#stream?.resume();
  }

  /** Takes what it can out of the window; afterwards no borrowed byte of it is needed.
   *  @returns the requests taken. */
  #consume(quota: number): number {
    let taken = 0;
    if (this.#phase === 'haggling') this.#haggle();
    if (this.#phase === 'transmission' && this.#session !== undefined) {
      taken = this.#takeRequests(this.#session, quota);
      this.#session.unplug();
    }
    if (this.#phase === 'finishing') this.#window.drop();
    if (this.#stalledBytes === 0) this.#window.tidy();
    return taken;
  }

  #haggle(): void {
    const handshake = this.#handshake;
    if (handshake === undefined) return;
    const window = this.#window;
    const progress = handshake.receive(window.bytes, window.at, window.end);
    window.at += progress.consumed;
    this.#output.raw(progress.output);
    if (progress.state === 'haggling') return;
    if (progress.state === 'starttls') {
      this.#phase = 'starttls';
      this.#held = true;
      this.#stream?.pause();
      return;
    }
    this.#handshake = undefined;
    this.#cancelTimeout();
    if (progress.state === 'closed') {
      window.drop();
      if (!progress.orderly) this.#reason = progress.reason;
      this.#finish();
      return;
    }
    this.#agree(progress.agreed);
  }

  /** All that was said in plaintext is forgotten, and the handshake goes on inside TLS. */
  #secure(): void {
    const { tls } = this.#context;
    if (this.#phase !== 'starttls') return;
    const secured = tls === undefined ? undefined : this.#stream?.secure(tls, this);
    if (secured === undefined) return this.#fail('TLS, which is not offered');
    this.#window = new ReceiveWindow();
    this.#handshake = this.#handshake?.secured();
    this.#phase = 'haggling';
    this.#held = false;
    this.#stream = secured;
    this.#context.log.debug({ connection: this.#id }, 'TLS begins');
  }

  #agree(agreed: Agreed<NbdExport>): void {
    const { export: of, extendedHeaders, replyForm, secure } = agreed;
    this.#extended = extendedHeaders;
    if (extendedHeaders) this.#headerBytes = EXTENDED_REQUEST_BYTES;
    this.#output.agree(replyForm, of.blockSize.maximumPayload);
    this.#session = new Session(of, agreed, this.#output, this, this.#context);
    this.#phase = 'transmission';
    const contexts = agreed.contexts.map(({ name }) => name);
    const facts = { connection: this.#id, export: of.name, replies: replyForm, contexts, secure };
    this.#context.log.info(facts, 'transmission');
  }

  #takeRequests(session: Session, quota: number): number {
    const header = this.#header;
    const window = this.#window;
    for (let taken = 0; ; taken++) {
      if (this.#refused.pending && !this.#refused.drain(window, this.#output)) return taken;
      if (this.#payload.receiving || this.#phase !== 'transmission') return taken;
      if (window.empty) return taken;
      if (session.busy || this.#output.backlogged || taken >= quota) {
        this.#held = true;
        if (taken >= quota) session.waitTurn();
        return taken;
      }
      const status = this.#extended
        ? decodeExtendedRequest(window.view, window.at, window.end, header)
        : decodeRequest(window.view, window.at, window.end, header);
      if (status === DecodeStatus.INCOMPLETE) return taken;
      if (status === DecodeStatus.BAD_MAGIC) {
        this.#fail('bytes that are no request (wrong magic)');
        return taken;
      }
      if (!this.#takeRequest(session, header)) return taken;
    }
  }

  /** One request whose header is in the window. @returns false: its payload is not there yet, or it
   *  has to wait, or it was the last. */
  #takeRequest(session: Session, header: RequestHeader): boolean {
    if (header.command === Command.DISC) {
      this.#finish();
      return false;
    }
    const payload = payloadBytes(header, this.#extended);
    const refusal = this.#shutDown ?? session.check(header);
    const window = this.#window;
    const start = window.at + this.#headerBytes;
    if (refusal !== undefined) return this.#refuse(header, refusal, payload);
    if (start + payload <= window.end) {
      if (session.execute(header, window.bytes, start)) {
        window.at = start + payload;
        return true;
      }
      this.#stalledBytes = this.#headerBytes + payload;
      this.#held = true;
      return false;
    }
    if (payload <= limits.payloadInBuffer.max) return false;
    window.at = start;
    this.#beginPayload(header, payload);
    return true;
  }

  #refuse(header: RequestHeader, refusal: Refusal, payload: number): boolean {
    const most = this.#extended
      ? Math.max(this.#context.limits.payload, limits.payloadNoAttack.max)
      : limits.payloadDrained.max;
    if (payload > most) {
      this.#fail(`a ${header.command === Command.WRITE ? 'write' : 'payload'} of ${payload} bytes`);
      return false;
    }
    this.#window.at += this.#headerBytes;
    this.#refused.begin(header, refusal, payload);
    return this.#refused.drain(this.#window, this.#output);
  }

  /** Takes what the window has of a long payload; the rest is received into its place. */
  #beginPayload(header: RequestHeader, length: number): void {
    if (this.#payload.begin(header.offset, length)) this.#feedPayload();
    else this.#refuseRest();
  }

  /** Moves what the window has into the payload that is being received. */
  #feedPayload(): void {
    const window = this.#window;
    while (this.#payload.receiving && !window.empty) {
      const target = this.#payload.target();
      const there = Math.min(target.length, window.end - window.at);
      target.set(window.bytes.subarray(window.at, window.at + there));
      window.at += there;
      this.#payloadReceived(there);
    }
  }

  #payloadReceived(length: number): void {
    if (!this.#payload.received(length)) this.#refuseRest();
    else if (!this.#payload.receiving) this.#executePayload();
  }

  /** There is no memory for the rest: it is refused like any other. */
  #refuseRest(): void {
    this.#refused.begin(this.#header, noMemory, this.#payload.left);
    this.#payload.discard();
    if (!this.#refused.pending) this.#refused.drain(this.#window, this.#output);
  }

  #executePayload(): void {
    const { segments } = this.#payload;
    if (this.#session === undefined) return;
    if (!this.#session.execute(this.#header, this.#window.bytes, 0, segments)) this.#held = true;
  }

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
