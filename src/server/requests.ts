/** One client's requests: taken out of the received bytes and handed to the session. Each payload goes where
 *  it belongs; that of a refused request is dropped. Bytes that must wait stay where they are.
 *  Source: nbd-protocol.md sections 3.1, 3.2, 3.3 and 3.7. */

import {
  COMPACT_REQUEST_BYTES,
  Command,
  DecodeStatus,
  decodeExtendedRequest,
  decodeRequest,
  EXTENDED_REQUEST_BYTES,
  NbdError,
  payloadBytes,
  RequestHeader,
} from 'nbd-server-protocol-ts';
import type { Refusal } from '../export/rules.ts';
import type { Session } from '../export/session.ts';
import { limits } from './limits.ts';
import type { Output } from './output.ts';
import { Payload } from './payload.ts';
import { RefusedCommand } from './refused.ts';
import type { ServerContext } from './server-context.ts';
import type { ReceiveWindow } from './window.ts';

const noMemory: Refusal = {
  error: NbdError.ENOSPC,
  text: 'no memory left to receive the data',
  cause: 'memory',
};

/** Why a client's requests end. */
export interface RequestHost {
  /** It said goodbye. */
  finish(): void;
  /** It broke a rule, and the stream cannot go on. */
  cutOff(reason: string): void;
}

export class Requests {
  readonly session: Session;
  /** No more requests are taken, until `proceed` or the owner goes on. */
  held = false;
  /** The client sent DISC, and nothing behind it so far. */
  quiet = false;
  readonly #window: ReceiveWindow;
  readonly #output: Output;
  readonly #host: RequestHost;
  readonly #header = new RequestHeader();
  /** Requests have 64-bit lengths. */
  readonly #extended: boolean;
  readonly #headerBytes: number;
  /** A longer payload of a refused request ends the connection. */
  readonly #drainedMax: number;
  readonly #payload: Payload;
  readonly #refused: RefusedCommand;
  /** The last request had a long payload: the next one probably has one, too. */
  #longBefore = false;
  /** Bytes of the command that the session holds, to be consumed once the command is on its way. */
  #stalledBytes = 0;

  constructor(
    session: Session,
    extended: boolean,
    window: ReceiveWindow,
    output: Output,
    host: RequestHost,
    context: ServerContext,
  ) {
    this.session = session;
    this.#window = window;
    this.#output = output;
    this.#host = host;
    this.#extended = extended;
    this.#headerBytes = extended ? EXTENDED_REQUEST_BYTES : COMPACT_REQUEST_BYTES;
    this.#drainedMax = extended
      ? Math.max(context.limits.payload, limits.payloadNoAttack.max)
      : limits.payloadDrained.max;
    this.#payload = new Payload(context.allocator);
    this.#refused = new RefusedCommand(context.buffers.void.bytes);
  }

  /** The client is in the middle of a payload: the next bytes are not for the window. */
  get midway(): boolean {
    return this.#payload.receiving || this.#refused.pending;
  }

  /** Nothing of the client is here, not even half a request. */
  get idle(): boolean {
    return !this.held && !this.midway && this.#window.empty && this.session.inFlight === 0;
  }

  /** The session has a command that is still in the window. */
  get stalled(): boolean {
    return this.#stalledBytes > 0;
  }

  /** Where the next bytes go: to their payload, or to the window. Behind a long payload only a header is read
   *  into the window: what comes with it would have to be copied to its place. */
  target(): Uint8Array {
    if (this.#payload.receiving) return this.#payload.target();
    if (this.#refused.pending) return this.#refused.target();
    return this.#longBefore ? this.#window.target(this.#headerBytes) : this.#window.target();
  }

  /** `length` bytes of a payload are where `target` said. */
  received(length: number): void {
    if (this.#refused.pending) this.#refused.received(length, this.#output);
    else if (!this.#payload.received(length)) this.#refuseRest();
    else if (!this.#payload.receiving) this.#executePayload();
  }

  /** Moves what the window has into the payload that is being received. */
  feed(): void {
    const window = this.#window;
    while (this.#payload.receiving && !window.empty) {
      const target = this.#payload.target();
      const there = Math.min(target.length, window.end - window.at);
      target.set(window.bytes.subarray(window.at, window.at + there));
      window.at += there;
      this.received(there);
    }
  }

  /** Takes the requests that are there whole, at most `quota`. @returns how many. */
  take(quota: number): number {
    const taken = this.#takeAll(quota);
    this.session.unplug();
    return taken;
  }

  /** Goes on with the waiting command. @returns what is left of `quota`. Undefined: it still waits. */
  proceed(quota: number): number | undefined {
    const submitted = this.session.proceed();
    this.session.unplug();
    if (!submitted) return undefined;
    const took = this.stalled ? 1 : 0;
    this.#window.at += this.#stalledBytes;
    this.#stalledBytes = 0;
    return quota - took;
  }

  /** The client is gone. */
  abandon(): void {
    if (this.#payload.receiving) this.session.withdraw();
    this.#payload.discard();
    this.session.abandon();
  }

  #takeAll(quota: number): number {
    const { session } = this;
    const header = this.#header;
    const window = this.#window;
    for (let taken = 0; ; taken++) {
      if (this.#refused.pending && !this.#refused.feed(window, this.#output)) return taken;
      if (this.#payload.receiving || window.empty) return taken;
      if (session.busy || this.#output.backlogged || taken >= quota) {
        this.held = true;
        if (taken >= quota) session.waitTurn();
        return taken;
      }
      const status = this.#extended
        ? decodeExtendedRequest(window.view, window.at, window.end, header)
        : decodeRequest(window.view, window.at, window.end, header);
      if (status === DecodeStatus.INCOMPLETE) return taken;
      if (status === DecodeStatus.BAD_MAGIC) {
        this.#host.cutOff('bytes that are not a request (wrong magic)');
        return taken;
      }
      if (!this.#takeRequest(header)) return taken;
    }
  }

  /** One request whose header is in the window. @returns false: its payload is not there yet, or it must
   *  wait, or it was the last. */
  #takeRequest(header: RequestHeader): boolean {
    if (header.command === Command.DISC) {
      this.quiet = true;
      this.#window.at += this.#headerBytes;
      this.#host.finish();
      return false;
    }
    const { session } = this;
    const payload = payloadBytes(header, this.#extended);
    const refusal = session.judge(header);
    const window = this.#window;
    const start = window.at + this.#headerBytes;
    const whole = start + payload <= window.end;
    if (refusal !== undefined) {
      this.#longBefore = !whole;
      return this.#refuse(header, refusal, payload);
    }
    if (!whole && payload <= limits.payloadInBuffer.max) return false;
    if (!session.admits()) {
      this.held = true;
      return false;
    }
    this.#longBefore = !whole;
    if (whole) {
      if (session.execute(header, window.bytes, start)) {
        window.at = start + payload;
        return true;
      }
      this.#stalledBytes = this.#headerBytes + payload;
      this.held = true;
      return false;
    }
    window.at = start;
    this.#beginPayload(header, payload);
    return true;
  }

  #refuse(header: RequestHeader, refusal: Refusal, payload: number): boolean {
    if (payload > this.#drainedMax) {
      this.session.cutOff(header);
      const what = header.command === Command.WRITE ? 'write' : 'payload';
      this.#host.cutOff(`a ${what} of ${payload} bytes`);
      return false;
    }
    this.session.refused(header, refusal);
    this.#window.at += this.#headerBytes;
    this.#refused.begin(header, refusal, payload);
    return this.#refused.feed(this.#window, this.#output);
  }

  /** Takes the part of a long payload that is in the window; the rest is received into its place. */
  #beginPayload(header: RequestHeader, length: number): void {
    if (this.#payload.begin(header.offset, length)) this.feed();
    else this.#refuseRest();
  }

  /** There is no memory for the rest: the command is refused like any other. */
  #refuseRest(): void {
    this.session.refused(this.#header, noMemory);
    this.#refused.begin(this.#header, noMemory, this.#payload.left);
    this.#payload.discard();
    this.session.withdraw();
    if (!this.#refused.pending) this.#refused.received(0, this.#output);
  }

  #executePayload(): void {
    const { segments } = this.#payload;
    if (!this.session.execute(this.#header, this.#window.bytes, 0, segments)) this.held = true;
  }
}
