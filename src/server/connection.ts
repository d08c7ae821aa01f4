/** One client from greeting to goodbye: haggles, perhaps again inside TLS, then takes its requests, and
 *  pauses the socket when the session or the client cannot follow.
 *  Source: nbd-protocol.md sections 2, 3.6 and 5. */

import {
  type Agreed,
  type HandshakeHost,
  type OnClientFault,
  ServerHandshake,
} from 'nbd-server-protocol-ts';
import type { NbdExport } from '../export/nbd-export.ts';
import type { Arrival } from '../export/reply-sink.ts';
import type { Refusal } from '../export/rules.ts';
import { Session } from '../export/session.ts';
import type { SessionHost } from '../export/session-host.ts';
import type { ConnectionBuffers } from './buffer-pool.ts';
import type { ByteSink, ByteStream } from './byte-stream.ts';
import { faultTeller } from './client-faults.ts';
import { type ClientCame, tellCome, tellEnd } from './client-watch.ts';
import { HandshakeTime } from './handshake-time.ts';
import { Lending } from './lending.ts';
import { limits } from './limits.ts';
import { Output } from './output.ts';
import { type RequestHost, Requests } from './requests.ts';
import type { ServerContext } from './server-context.ts';
import type { ServerFault } from './server-faults.ts';
import type { WaitsFor, Watched } from './watch.ts';
import { offered, type WayIn } from './way-in.ts';
import { ReceiveWindow } from './window.ts';
import type { TappedConnection } from './wire-tap.ts';

/** starttls: the ACK is on its way out, and nothing is read. */
type Phase = 'haggling' | 'starttls' | 'transmission' | 'finishing' | 'closed';

export class Connection implements ByteSink, TappedConnection, SessionHost, RequestHost, Watched {
  readonly onClientFault: OnClientFault;
  readonly #context: ServerContext;
  readonly #id: number;
  readonly #gone: () => void;
  readonly #way: WayIn;
  #cancelGreeting: (() => void) | undefined;
  /** The handshake is sent in small portions. */
  #drips = false;
  /** A rule changes the bytes of the handshake. */
  #struck = false;
  #window: ReceiveWindow;
  #stream: ByteStream | undefined;
  #handshake: ServerHandshake<NbdExport> | undefined;
  readonly #output: Output;
  /** A place in the sent bytes: once it was sent the client knows that the handshake has ended. */
  #agreedAt = Number.POSITIVE_INFINITY;
  /** Since the handshake ended well. */
  #requests: Requests | undefined;
  #phase: Phase = 'haggling';
  /** Why every further command is refused. Undefined: they are accepted. */
  #shutDown: Refusal | undefined = undefined;
  /** Where the socket puts the next bytes: into the payload, or into the window. */
  #direct = false;
  #reason: string | undefined;
  /** Its address, for the log. */
  #from: string | undefined;
  /** The export that it uses, and its number there. */
  #agreed: Pick<ClientCame, 'client' | 'export'> | undefined;
  readonly #lending = new Lending();
  /** How often bytes came or went. */
  #entries = 0;
  readonly #handshakeTime: HandshakeTime;
  /** It was told goodbye, and has a moment to leave. */
  #cancelGoodbye: (() => void) | undefined;

  /** @param gone called when it has ended. */
  constructor(
    context: ServerContext,
    id: number,
    way: WayIn,
    buffers: ConnectionBuffers,
    gone: () => void,
  ) {
    this.#context = context;
    this.#id = id;
    this.#gone = gone;
    this.#window = new ReceiveWindow(buffers.received);
    this.#output = new Output(context.turn, context.buffers, buffers.replies, this);
    this.onClientFault = faultTeller(context.faults, context.log, id);
    this.#way = way;
    this.#handshake = this.#haggler({});
    this.#handshakeTime = new HandshakeTime(
      context,
      () => this.#handshake?.optionsTaken ?? 0,
      () => {
        if (this.#output.hasSent(this.#agreedAt)) return;
        this.cutOff('no agreement within the time for it');
      },
    );
  }

  /** The export that it agreed on. */
  get export(): NbdExport | undefined {
    return this.#requests?.session.export;
  }

  /** See `Watched`: entries in the high bits; what the kernel has or has not taken in the low ones. */
  get moved(): number {
    const stream = this.#stream;
    const entries = this.#entries + (stream?.batchesElsewhere ?? 0);
    return (entries % 2 ** 19) * 2 ** 33 + (stream?.taken ?? stream?.unsent ?? 0);
  }

  get waitsFor(): WaitsFor {
    // While it haggles, the time for the handshake is the limit.
    if (this.#isHaggling) return 'us';
    const unsent = !this.#output.empty || (this.#stream?.unsent ?? 0) > 0;
    if (unsent || this.#requests?.midway === true) return 'client';
    if (this.#inFlight > 0 || this.#requests?.held === true) return 'us';
    const half = this.#phase === 'finishing' || !this.#window.empty;
    return half ? 'client' : 'nothing';
  }

  cutOff(reason: string): void {
    this.#reason = reason;
    this.destroy();
  }

  /** The server speaks first. @param arrival what rules do to it. */
  open(stream: ByteStream, arrival?: Arrival): void {
    this.#stream = stream;
    this.#from = stream.remoteAddress ?? 'unix';
    this.#context.log.debug({ connection: this.#id, from: this.#from }, 'connected');
    if (arrival === undefined) this.#greet();
    else this.#misgreet(arrival);
  }

  #misgreet({ fault, delayNs, handshake }: Arrival): void {
    if (fault?.kind === 'refuse') this.#handshake = this.#haggler({ find: () => undefined });
    if (handshake !== undefined) {
      this.#output.tap.plan(handshake, 0, Number.POSITIVE_INFINITY);
      this.#drips = handshake.wire.form === 'drip';
      this.#struck = true;
    }
    const begin = (): void => {
      if (fault?.kind === 'wire' && !this.#output.tap.plan(fault.fault, 0, 0)) return;
      this.#greet();
    };
    if (delayNs === 0) return begin();
    this.#cancelGreeting = this.#context.scheduler.timeout(begin, delayNs / 1e6);
  }

  #greet(): void {
    const stream = this.#stream;
    if (stream === undefined || this.#phase === 'closed') return;
    if (this.#handshake !== undefined) this.#output.raw(this.#handshake.greeting());
    stream.resume();
    this.#context.turn.end();
  }

  target(): Uint8Array {
    const requests = this.#requests;
    this.#direct = requests?.midway === true;
    // Bytes that are dropped come in as few reads as possible.
    if (this.#phase === 'finishing' && !this.#direct) return this.#window.target();
    return requests?.target() ?? this.#window.target();
  }

  received(length: number): boolean {
    const { pacing, traffic, turn } = this.#context;
    turn.begin();
    traffic.received(length);
    pacing.traffic();
    this.#entries++;
    if (this.#direct) this.#requests?.received(length);
    else if (this.#phase === 'finishing') this.#dropped();
    else {
      this.#window.extend(length);
      this.#requests?.feed();
    }
    turn.end(this.#consume(Number.POSITIVE_INFINITY));
    return this.#requests?.held !== true && this.#phase !== 'starttls';
  }

  ended(): void {
    if (this.#isHaggling) this.destroy();
    else this.finish();
    this.#context.turn.end();
  }

  closed(reason: string | undefined, fault?: ServerFault): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#handshakeTime.cancel();
    this.#cancelGoodbye?.();
    this.#cancelGreeting?.();
    this.#output.close();
    this.#requests?.abandon();
    this.#context.buffers.give(this.#window.buffer);
    this.#gone();
    const named = { connection: this.#id, from: this.#from, ...this.#agreed };
    tellEnd(this.#context, { ...named, cutOff: this.#reason, reason, fault });
    this.#context.turn.end();
  }

  writeNow(bytes: Uint8Array, from: number, to: number): number {
    return this.#context.traffic.sent(this.#stream?.writeNow?.(bytes, from, to) ?? 0);
  }

  write(parts: readonly Uint8Array[]): boolean {
    this.#context.traffic.sentAll(parts);
    return this.#stream?.write(parts) ?? true;
  }

  written(): void {
    this.#context.turn.begin();
    this.#entries++;
    this.#output.written();
    this.#goOn();
    this.#context.turn.end();
  }

  /** The output has nothing left to send. */
  drained(): void {
    if (this.#phase === 'starttls') {
      // Not inside a read of the socket that is given away.
      this.#context.scheduler.immediate(() => this.#secure());
    } else if (this.#phase === 'finishing' || this.#shutDown !== undefined) this.#endIfIdle();
    else if (this.#requests !== undefined) this.#lending.lendIfIdle(this.#requests, this.#stream);
  }

  sessionReady(quota: number): void {
    const left = this.#requests?.proceed(quota);
    if (left !== undefined && this.#phase !== 'closed') this.#goOn(left);
  }

  sessionIdle(): void {
    this.#output.sendLate();
    if (this.#phase === 'finishing' || this.#shutDown !== undefined) this.#endIfIdle();
  }

  /** Ends the connection once its requests in flight have their replies; new ones are refused. */
  shutdown(why: Refusal): void {
    this.#shutDown = why;
    this.#stream?.revoke?.();
    if (this.#requests !== undefined) this.#requests.session.shutDown = why;
    this.#endIfIdle();
  }

  /** Takes no more requests; what is in flight gets its reply, then the connection ends. */
  finish(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'finishing';
    this.#stream?.revoke?.();
    if (this.#requests !== undefined) this.#requests.held = false;
    this.#endIfIdle();
  }

  destroy(): void {
    this.#stayPlain();
    this.#stream?.destroy();
  }

  /** Breaks it: nothing is sent any more, whatever there is. */
  cut(): void {
    if (this.#stream?.reset === undefined) this.destroy();
    else this.reset();
  }

  reset(): void {
    this.#stayPlain();
    // On another thread, sent bytes may still be on their way.
    if (this.#stream?.reset === undefined) this.#stream?.end();
    else this.#stream.reset();
  }

  hangUp(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'finishing';
    this.#sayGoodbye();
  }

  /** @param other used instead of the server's host. */
  #haggler(other: Partial<HandshakeHost<NbdExport>>): ServerHandshake<NbdExport> {
    const can = { ...offered(this.#way), onFault: this.onClientFault };
    return new ServerHandshake({ ...this.#context.host, ...other }, can);
  }

  get #isHaggling(): boolean {
    return this.#phase === 'haggling' || this.#phase === 'starttls';
  }

  /** Half a request is there, and the rest may still come. */
  get #isMidway(): boolean {
    const half = this.#requests?.midway === true || !this.#window.empty;
    return half && this.#phase === 'transmission';
  }

  /** What was broken is not secured any more: a stream tells only later that it is closed. */
  #stayPlain(): void {
    if (this.#phase === 'starttls') this.#phase = 'finishing';
  }

  get #inFlight(): number {
    return this.#requests?.session.inFlight ?? 0;
  }

  #goOn(quota = Number.POSITIVE_INFINITY): void {
    const requests = this.#requests;
    if (requests === undefined || !requests.held || requests.stalled) return;
    requests.held = false;
    this.#consume(quota);
    if (!requests.held) this.#stream?.resume();
  }

  /** Takes what it can out of the window; afterwards no borrowed byte of it is needed.
   *  @returns how many requests were taken. */
  #consume(quota: number): number {
    let taken = 0;
    if (this.#phase === 'haggling') this.#haggle();
    const requests = this.#requests;
    if (this.#phase === 'transmission' && requests !== undefined) taken = requests.take(quota);
    if (this.#phase === 'finishing' && this.#window.drop()) this.#dropped();
    if (requests?.stalled !== true) this.#window.tidy();
    return taken;
  }

  /** One fault, in any number of reads. */
  #dropped(): void {
    if (this.#requests?.quiet !== true) return;
    this.#requests.quiet = false;
    this.onClientFault('bytes-behind-disc');
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
      this.#stream?.pause();
      return;
    }
    this.#handshake = undefined;
    // If a rule holds its end up, the client has not agreed yet.
    if (this.#struck) this.#agreedAt = this.#output.end;
    else this.#handshakeTime.cancel();
    if (progress.state === 'closed') {
      window.drop();
      if (!progress.orderly) this.#reason = progress.reason;
      return this.finish();
    }
    this.#agree(progress.agreed);
  }

  /** Forgets everything said in plaintext, and goes on with the handshake inside TLS. */
  #secure(): void {
    const { tls } = this.#context;
    if (this.#phase !== 'starttls') return;
    const secured = tls === undefined ? undefined : this.#stream?.secure(tls, this);
    if (secured === undefined) return this.cutOff('TLS, which is not offered');
    this.#window = new ReceiveWindow(this.#window.buffer);
    this.#handshake = this.#handshake?.secured();
    this.#phase = 'haggling';
    this.#stream = secured;
    this.#context.log.debug({ connection: this.#id }, 'TLS begins');
  }

  #agree(agreed: Agreed<NbdExport>): void {
    const { export: of, extendedHeaders, replyForm, secure } = agreed;
    this.#output.agree(replyForm, of.blockSize.maximumPayload);
    if (this.#drips) this.#output.endDrip();
    const session = new Session(of, agreed, this.#output, this, this.#context);
    session.shutDown = this.#shutDown;
    const [window, output] = [this.#window, this.#output];
    this.#requests = new Requests(session, extendedHeaders, window, output, this, this.#context);
    this.#phase = 'transmission';
    this.#lending.offer(agreed, session.queues.client, session.copyMax, this.#stream);
    const contexts = agreed.contexts.map(({ name }) => name);
    this.#agreed = { client: session.queues.client, export: of.name };
    const named = { connection: this.#id, from: this.#from, ...this.#agreed };
    tellCome(this.#context, { ...named, replies: replyForm, contexts, secure });
  }

  /** Says goodbye, unless something of the client is under way. If we end it, it has little time to leave. */
  #endIfIdle(): void {
    if (this.#inFlight > 0 || !this.#output.empty || this.#isMidway) return;
    // Bytes that come now, also those that another thread gives back, would be answered behind our goodbye.
    if (this.#phase === 'closed') return;
    this.#phase = 'finishing';
    if (this.#shutDown === undefined) this.#stream?.end();
    else this.#sayGoodbye();
  }

  /** It has little time to leave. */
  #sayGoodbye(): void {
    const { scheduler } = this.#context;
    this.#cancelGoodbye ??= scheduler.timeout(() => this.destroy(), limits.goodbyeTime.max);
    this.#stream?.end();
  }
}
