/** Requests with their payloads out of bytes at any cut: the easy way, which puts each payload together in
 *  memory. A server that receives payloads into their final place uses `decodeRequest` itself.
 *  Source: nbd-protocol.md sections 3.1, 3.2 and 3.7. */

import type { ClientFault } from './client-faults.ts';
import { Command } from './constants.ts';
import { Gather } from './gather.ts';
import { transmissionLimits as limits } from './limits.ts';
import {
  COMPACT_REQUEST_BYTES,
  DecodeStatus,
  decodeExtendedRequest,
  decodeRequest,
  EXTENDED_REQUEST_BYTES,
  payloadBytes,
  RequestHeader,
  requestFault,
} from './request.ts';

/** Hears of requests, in order. */
export interface RequestHandler {
  /** A request is there whole. `header` and `payload` are valid until the call returns.
   *  @param payload empty for commands without one. Undefined: it is longer than allowed and is dropped;
   *  answer with EINVAL. After DISC nothing is reported any more. */
  request(header: RequestHeader, payload: Uint8Array | undefined): void;
  /** The client broke a rule, and can still be served: called before the request that it is about. */
  fault?(fault: ClientFault): void;
}

export class RequestDecoder {
  readonly #extended: boolean;
  readonly #payloadMax: number;
  readonly #handler: RequestHandler;
  readonly #header = new RequestHeader();
  readonly #gather = new Gather();
  #phase: 'header' | 'payload' | 'drain' | 'over' = 'header';
  /** Bytes of the payload. */
  #length = 0;
  #failure: string | undefined;
  /** Bytes arrived behind DISC: one fault, in any number of pieces. */
  #behindDisc = false;

  /** @param extended whether extended headers were agreed on.
   *  @param payloadMax longer ones are dropped; above `transmissionLimits` they end the connection. */
  constructor(extended: boolean, payloadMax: number, handler: RequestHandler) {
    this.#extended = extended;
    this.#payloadMax = payloadMax;
    this.#handler = handler;
  }

  /** Takes all of bytes[start, end).
   *  @returns the client's mistake; after it nothing can be decoded: disconnect. */
  receive(bytes: Uint8Array, start: number, end: number): string | undefined {
    let at = start;
    while (this.#failure === undefined && this.#phase !== 'over') {
      if (this.#phase === 'drain') {
        const took = Math.min(this.#length, end - at);
        at += took;
        this.#length -= took;
        if (this.#length > 0) break;
        this.#phase = 'header';
      }
      const piece = this.#gather.take(bytes, at, end, this.#need());
      at += this.#gather.took;
      if (piece === undefined) break;
      if (this.#phase === 'payload') this.#tell(piece);
      else this.#failure = this.#takeHeader(piece);
    }
    if (this.#phase === 'over' && at < end && !this.#behindDisc) {
      this.#behindDisc = true;
      this.#handler.fault?.('bytes-behind-disc');
    }
    return this.#failure;
  }

  #need(): number {
    if (this.#phase === 'payload') return this.#length;
    return this.#extended ? EXTENDED_REQUEST_BYTES : COMPACT_REQUEST_BYTES;
  }

  #takeHeader(piece: Uint8Array): string | undefined {
    const view = new DataView(piece.buffer, piece.byteOffset, piece.byteLength);
    const decode = this.#extended ? decodeExtendedRequest : decodeRequest;
    if (decode(view, 0, piece.length, this.#header) !== DecodeStatus.REQUEST) {
      return 'bytes that are not a request (wrong magic)';
    }
    this.#length = payloadBytes(this.#header, this.#extended);
    if (this.#length > limits.payloadDrained.max) return `a payload of ${this.#length} bytes`;
    const fault = requestFault(this.#header, this.#extended);
    if (fault !== undefined) this.#handler.fault?.(fault);
    if (this.#header.command === Command.DISC) {
      this.#tell(piece.subarray(0, 0));
      this.#phase = 'over';
    } else if (this.#length > this.#payloadMax) {
      this.#phase = 'drain';
      this.#handler.request(this.#header, undefined);
    } else {
      this.#phase = 'payload';
    }
    return undefined;
  }

  #tell(payload: Uint8Array): void {
    this.#phase = 'header';
    this.#handler.request(this.#header, payload);
  }
}
