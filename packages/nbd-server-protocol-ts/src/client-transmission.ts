/** Requests of a client in flight: encodes them, and settles each by its reply. Checks the server's replies
 *  against the rules. Source: nbd-protocol.md sections 3.1 to 3.3. */

import type { BlockStatus } from './client-options.ts';
import { Command, CommandFlag } from './constants.ts';
import { Coverage } from './coverage.ts';
import { NbdError } from './errors.ts';
import type { Extent } from './extents.ts';
import type { ClientAgreed } from './negotiation.ts';
import type { Outgoing } from './outgoing.ts';
import { ReplyDecoder } from './reply-decoder.ts';
import {
  EXTENDED_REQUEST_BYTES,
  encodeExtendedRequestAt,
  encodeRequestAt,
  RequestHeader,
} from './request.ts';

/** What the protocol allows a server to tell in one answer. */
const EXTENTS_MAX = 2 ** 20;
const TWO_TO_32 = 2 ** 32;

/** What a reply brought. */
export interface Reply {
  /** Of a READ. */
  readonly data: Uint8Array;
  /** Of a BLOCK_STATUS. */
  readonly status: BlockStatus;
}

/** A request that was sent; it is its own header. */
class InFlight extends RequestHeader {
  readonly data: Uint8Array;
  readonly coverage = new Coverage();
  readonly status = new Map<string, Required<Extent>[]>();
  /** The first error of the reply. */
  error: NbdError | undefined;
  readonly settle: (error: Error | undefined, reply: Reply) => void;

  constructor(header: RequestHeader, settle: InFlight['settle']) {
    super();
    Object.assign(this, header);
    this.settle = settle;
    this.data = new Uint8Array(header.command === Command.READ ? header.length : 0);
  }
}

export class ClientTransmission {
  readonly #agreed: ClientAgreed;
  readonly #out: Outgoing;
  readonly #decoder: ReplyDecoder;
  readonly #inFlight = new Map<number, InFlight>();
  readonly #contexts: ReadonlyMap<number, string>;
  #cookies = 0;
  /** What the server did wrong. */
  #wrong: string | undefined;
  #idle: (() => void)[] = [];

  constructor(agreed: ClientAgreed, out: Outgoing) {
    this.#agreed = agreed;
    this.#out = out;
    this.#contexts = new Map(agreed.contexts.map(({ id, name }) => [id, name]));
    this.#decoder = new ReplyDecoder(agreed.replyForm, {
      find: (high, low) => (high === 0 ? this.#inFlight.get(low) : undefined),
      data: (request, delta, bytes, start, end) => this.#data(request, delta, bytes, start, end),
      hole: (request, delta, length) => this.#cover(this.#of(request), delta, length),
      extent: (request, id, length, high, low) => this.#extent(request, id, length, high, low),
      error: (request, error, text) => this.#failed(request, error, text),
      done: (request) => this.#done(request),
    });
  }

  /** Takes replies. @returns the server's mistake; after it nothing can be decoded. */
  receive(bytes: Uint8Array): string | undefined {
    this.#wrong ??= this.#decoder.receive(bytes, 0, bytes.length) ?? this.#wrong;
    return this.#wrong;
  }

  /** Writes a request. Nothing is settled before this returns.
   *  @param header its length is that of the range, even if a payload gives the range.
   *  @param payload copied. */
  request(
    header: RequestHeader,
    payload: Uint8Array | undefined,
    settle: InFlight['settle'],
  ): void {
    do {
      this.#cookies = (this.#cookies + 1) % TWO_TO_32;
    } while (this.#inFlight.has(this.#cookies));
    const request = new InFlight(header, settle);
    request.cookieLow = this.#cookies;
    this.#inFlight.set(request.cookieLow, request);
    this.#encode(request, payload?.length ?? 0);
    if (payload !== undefined) this.#out.append(payload);
  }

  /** Those of the names that were selected. */
  idsOf(names: readonly string[]): number[] {
    return this.#agreed.contexts.filter(({ name }) => names.includes(name)).map(({ id }) => id);
  }

  /** DISC, which has no reply. */
  goodbye(): void {
    this.#encode(Object.assign(new RequestHeader(), { command: Command.DISC }), 0);
  }

  /** Resolves when nothing is in flight. */
  idle(): Promise<void> {
    if (this.#inFlight.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
    });
  }

  /** The connection is over: everything in flight fails. */
  end(error: Error): void {
    for (const request of this.#inFlight.values()) request.settle(error, request);
    this.#inFlight.clear();
    this.#tellIdle();
  }

  #encode(header: RequestHeader, payload: number): void {
    const { extendedHeaders: extended } = this.#agreed;
    const out = this.#out;
    if (extended && payload > 0) header.flags |= CommandFlag.PAYLOAD_LEN;
    out.reserve(EXTENDED_REQUEST_BYTES + payload);
    const offset = (BigInt(header.offsetHigh) << 32n) | BigInt(header.offsetLow);
    const length = BigInt(payload > 0 ? payload : header.length);
    out.at += extended
      ? encodeExtendedRequestAt(out.view, out.at, header, offset, length)
      : encodeRequestAt(out.view, out.at, header, offset);
  }

  /** The decoder reports only requests that `find` returned. */
  #of(request: RequestHeader): InFlight {
    if (request instanceof InFlight) return request;
    throw new Error('a reply to a request that is not in flight');
  }

  #data(
    request: RequestHeader,
    delta: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const of = this.#of(request);
    of.data.set(bytes.subarray(start, end), delta);
    this.#cover(of, delta, end - start);
  }

  #cover(of: InFlight, delta: number, length: number): void {
    if (!of.coverage.add(delta, delta + length)) this.#wrong ??= 'bytes of a read that came twice';
  }

  #extent(request: RequestHeader, id: number, length: number, high: number, low: number): void {
    const name = this.#contexts.get(id);
    if (name === undefined) {
      this.#wrong ??= 'a status of a context that was not selected';
      return;
    }
    const { status } = this.#of(request);
    const extents = status.get(name) ?? [];
    if (extents.length === 0) status.set(name, extents);
    if (extents.length === EXTENTS_MAX) this.#wrong ??= 'more extents than may be told';
    else extents.push({ length, flags: low, flagsHigh: high });
  }

  #failed(request: RequestHeader, error: number, text: string): void {
    this.#of(request).error ??= new NbdError(error, text);
  }

  #done(request: RequestHeader): void {
    const of = this.#of(request);
    if (of.error === undefined && of.command === Command.READ) {
      if (of.coverage.covered !== of.length) this.#wrong ??= 'a read that did not come whole';
    }
    if (of.error === undefined && of.command === Command.BLOCK_STATUS && of.status.size === 0) {
      this.#wrong ??= 'a block status without a status';
    }
    if (this.#wrong !== undefined) return; // it fails with the connection
    this.#inFlight.delete(of.cookieLow);
    of.settle(of.error, of);
    if (this.#inFlight.size === 0) this.#tellIdle();
  }

  #tellIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
