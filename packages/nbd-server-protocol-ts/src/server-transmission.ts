/** Requests of one client after the handshake: takes them out of bytes at any cut, has them executed, and
 *  answers them in the order in which they end. Holds back requests beyond its limits.
 *  Source: nbd-protocol.md sections 3.1 to 3.7. */

import { Command, CommandFlag, TransmissionFlag } from './constants.ts';
import { NbdError } from './errors.ts';
import { Gather } from './gather.ts';
import type { Agreed } from './haggling.ts';
import { toldError } from './handler-error.ts';
import { transmissionLimits } from './limits.ts';
import type { Outgoing } from './outgoing.ts';
import { Payload } from './payload.ts';
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
import { judgeRange, judgeRequest, type RequestTerms } from './request-rules.ts';
import { HandlerRequest, ServerCommands, type WriteReply } from './server-commands.ts';
import type { Offered } from './server-export.ts';
import {
  type Awaitable,
  type ServerConnectionOptions,
  type ServerExport,
  type Signal,
  serverLimits,
} from './server-options.ts';
import { ServerReplies } from './server-replies.ts';
import {
  BlockStatusPayload,
  blockStatusPayloadMax,
  decodeBlockStatusPayload,
} from './status-payload.ts';

/** A request in flight, and how many bytes of it count. */
interface Job {
  readonly header: RequestHeader;
  readonly bytes: number;
}

/** What its connection is told. */
export interface TransmissionHost {
  signal(): Signal;
  /** The client broke a rule and cannot be served any more. */
  broken(reason: string): void;
  /** A request was executed: there is output. */
  answered(): void;
}

export class ServerTransmission<E extends ServerExport> {
  readonly #options: ServerConnectionOptions<E>;
  readonly #agreed: Agreed<Offered<E>>;
  readonly #terms: RequestTerms;
  readonly #host: TransmissionHost;
  readonly #commands: ServerCommands<E>;
  readonly #replies: ServerReplies;
  readonly #requestsMax: number;
  readonly #bytesMax: number;
  readonly #gather = new Gather();
  #phase: 'header' | 'payload' | 'drain' | 'over' = 'header';
  #header = new RequestHeader();
  #payload: Payload | undefined;
  /** Bytes to drop. */
  #drain = 0;
  /** The client has said goodbye, and nothing behind it so far. */
  #quiet = false;
  /** In flight: from the header on until the reply was handed over. */
  #requests = 0;
  #bytes = 0;
  /** Of these the replies are written and not handed over. */
  #writtenRequests = 0;
  #writtenBytes = 0;

  constructor(
    options: ServerConnectionOptions<E>,
    agreed: Agreed<Offered<E>>,
    out: Outgoing,
    host: TransmissionHost,
  ) {
    this.#options = options;
    this.#agreed = agreed;
    this.#host = host;
    const { requests, bytes } = options.limits ?? {};
    this.#requestsMax = requests ?? serverLimits.requests.max;
    this.#bytesMax = bytes ?? serverLimits.bytes.max;
    const { size, blockSize } = agreed.export;
    this.#terms = {
      ...{ flags: agreed.flags, extended: agreed.extendedHeaders, size },
      contexts: agreed.contexts.length,
      alignment: blockSize.minimum,
      payloadMax: blockSize.maximumPayload,
    };
    this.#replies = new ServerReplies(agreed.replyForm, out);
    this.#commands = new ServerCommands(options, agreed, this.#replies);
  }

  /** The limit is reached: the next request has to wait; a payload is still taken. */
  get full(): boolean {
    if (this.#phase !== 'header') return false;
    return this.#requests >= this.#requestsMax || this.#bytes >= this.#bytesMax;
  }

  /** No request will come any more, and all were answered. */
  get finished(): boolean {
    return this.#phase === 'over' && this.#requests === 0;
  }

  /** Takes no further request. */
  stop(): void {
    if (this.#phase === 'payload') {
      this.#requests--;
      this.#bytes -= this.#payload?.length ?? 0;
      this.#payload = undefined;
    }
    this.#phase = 'over';
  }

  /** All replies that were written are handed over. */
  handedOver(): void {
    this.#requests -= this.#writtenRequests;
    this.#bytes -= this.#writtenBytes;
    this.#writtenRequests = this.#writtenBytes = 0;
  }

  /** Takes one thing out of bytes[start, end): a header, or the part of a payload that is there.
   *  @returns how many bytes it took. */
  take(bytes: Uint8Array, start: number, end: number): number {
    switch (this.#phase) {
      case 'header':
        return this.#takeHeader(bytes, start, end);
      case 'payload':
        return this.#takePayload(bytes, start, end);
      case 'drain': {
        const took = Math.min(this.#drain, end - start);
        this.#drain -= took;
        if (this.#drain === 0) this.#phase = 'header';
        return took;
      }
      default:
        // One fault, in any number of pieces.
        if (this.#quiet) this.#options.onFault?.('bytes-behind-disc');
        this.#quiet = false;
        return end - start;
    }
  }

  #takeHeader(bytes: Uint8Array, start: number, end: number): number {
    const extended = this.#agreed.extendedHeaders;
    const need = extended ? EXTENDED_REQUEST_BYTES : COMPACT_REQUEST_BYTES;
    const piece = this.#gather.take(bytes, start, end, need);
    if (piece === undefined) return this.#gather.took;
    const view = new DataView(piece.buffer, piece.byteOffset, piece.byteLength);
    const header = new RequestHeader();
    const decode = extended ? decodeExtendedRequest : decodeRequest;
    if (decode(view, 0, need, header) !== DecodeStatus.REQUEST) {
      this.#host.broken('bytes that are not a request (wrong magic)');
    } else if (header.command === Command.DISC) {
      this.#quiet = true;
      this.stop();
    } else {
      this.#begin(header, payloadBytes(header, extended));
    }
    return this.#gather.took;
  }

  #begin(header: RequestHeader, payload: number): void {
    if (payload > transmissionLimits.payloadDrained.max) {
      return this.#host.broken(`a payload of ${payload} bytes`);
    }
    const fault = requestFault(header, this.#agreed.extendedHeaders);
    if (fault !== undefined) this.#options.onFault?.(fault);
    const offersFlush = (this.#agreed.flags & TransmissionFlag.SEND_FLUSH) !== 0;
    if (header.command === Command.FLUSH && !offersFlush) {
      this.#options.onFault?.('flush-not-offered');
    }
    const error = judgeRequest(header, this.#terms) ?? this.#judgePayload(header, payload);
    if (error !== undefined) {
      this.#requests++;
      this.#refuse({ header, bytes: 0 }, error);
      this.#drain = payload;
      if (payload > 0) this.#phase = 'drain';
      return;
    }
    const bytes = header.command === Command.READ ? header.length : payload;
    this.#requests++;
    this.#bytes += bytes;
    if (payload === 0) return this.#execute({ header, bytes }, undefined);
    this.#header = header;
    this.#payload = new Payload(payload);
    this.#phase = 'payload';
  }

  /** Of a command that may have a payload. */
  #judgePayload({ command, flags, length }: RequestHeader, payload: number): NbdError | undefined {
    const flagged = (flags & CommandFlag.PAYLOAD_LEN) !== 0;
    if (flagged && length === 0) return new NbdError('EINVAL', 'PAYLOAD_LEN without a payload');
    if (command !== Command.BLOCK_STATUS || payload === 0) return undefined;
    if (payload <= blockStatusPayloadMax(this.#agreed.contexts)) return undefined;
    return new NbdError('EINVAL', 'the payload is longer than all contexts need');
  }

  #takePayload(bytes: Uint8Array, start: number, end: number): number {
    const payload = this.#payload;
    if (payload === undefined) return 0;
    const took = payload.take(bytes, start, end);
    if (payload.missing > 0) return took;
    this.#phase = 'header';
    this.#payload = undefined;
    const job = { header: this.#header, bytes: payload.length };
    if (job.header.command === Command.WRITE) this.#execute(job, payload.whole());
    else this.#executeStatus(job, payload.whole());
    return took;
  }

  /** A BLOCK_STATUS whose range and contexts are in its payload. */
  #executeStatus(job: Job, payload: Uint8Array): void {
    const { header } = job;
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const asked = new BlockStatusPayload();
    const { contexts } = this.#agreed;
    if (!decodeBlockStatusPayload(view, 0, payload.length, contexts, asked)) {
      const text = 'the payload must be a length and selected contexts, each once';
      return this.#refuse(job, new NbdError('EINVAL', text));
    }
    header.length = asked.effectLength;
    header.lengthHigh = asked.effectHigh;
    header.lengthLow = asked.effectLow;
    const error = judgeRange(header, this.#terms);
    if (error !== undefined) return this.#refuse(job, error);
    this.#execute(job, undefined, asked.ids);
  }

  #execute(job: Job, data: Uint8Array | undefined, ids?: readonly number[]): void {
    const { header } = job;
    if (header.length === 0 && header.command !== Command.FLUSH) {
      this.#replies.done(header);
      return this.#written(job);
    }
    const { source } = this.#agreed.export;
    const request = new HandlerRequest(source, header, this.#host.signal);
    const fail = (thrown: unknown): void => this.#fail(job, request, thrown);
    const succeed = (reply: WriteReply): void => {
      try {
        reply();
      } catch (thrown) {
        return fail(thrown);
      }
      this.#written(job);
    };
    let reply: Awaitable<WriteReply>;
    try {
      reply = this.#commands.execute(header, request, data, ids);
    } catch (thrown) {
      return fail(thrown);
    }
    if (typeof reply === 'function') succeed(reply);
    else reply.then(succeed, fail);
  }

  #fail(job: Job, request: HandlerRequest<E>, thrown: unknown): void {
    this.#refuse(job, toldError(thrown));
    if (!(thrown instanceof NbdError)) this.#options.onError?.(thrown, request);
  }

  #refuse(job: Job, { code, errno, message }: NbdError): void {
    this.#replies.error(job.header, errno, message === code ? '' : message);
    this.#written(job);
  }

  /** The reply is written. */
  #written(job: Job): void {
    this.#writtenRequests++;
    this.#writtenBytes += job.bytes;
    this.#host.answered();
  }
}
