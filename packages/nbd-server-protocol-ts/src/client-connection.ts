/** A client's side of one connection, from the greeting to the goodbye: bytes in, bytes out, a promise for
 *  each request. No I/O. */

import { ClientHandshake } from './client-handshake.ts';
import type {
  BlockStatus,
  ChangeOptions,
  ClientConnectionOptions,
  ClientExport,
  ReadOptions,
  RequestOptions,
  StatusOptions,
  ZeroesOptions,
} from './client-options.ts';
import { ClientTransmission, type Reply } from './client-transmission.ts';
import { Command, CommandFlag, InfoType, TransmissionFlag } from './constants.ts';
import { NbdError, NbdProtocolError } from './errors.ts';
import type { ClientAgreed, ClientWishes } from './negotiation.ts';
import { Outgoing } from './outgoing.ts';
import { HOLE_MAX } from './reply-encoder.ts';
import { RequestHeader } from './request.ts';
import { judgeRequest, type RequestTerms } from './request-rules.ts';
import type { SignalLike } from './server-options.ts';
import { encodeBlockStatusPayload } from './status-payload.ts';
import { highWord, TWO_TO_32 } from './words.ts';

const { BLOCK_SIZE, DESCRIPTION } = InfoType;
const NO_MORE = 'the connection was ended by this side';

/** Make one for each connection, and give it the server's bytes. Requests may be made at once, and many at a
 *  time; those before `ready` wait for it. Offsets and lengths are bytes. A request rejects with an `NbdError`
 *  when the server (or, by its own offers, the client) refuses it, with an `NbdProtocolError` when the
 *  connection is over. */
export class ClientConnection {
  /** The handshake has ended. Rejects when it fails. */
  readonly ready: Promise<ClientExport>;
  readonly #options: ClientConnectionOptions;
  readonly #out: Outgoing;
  readonly #handshake: ClientHandshake;
  #transmission: ClientTransmission | undefined;
  #terms: RequestTerms | undefined;
  #phase: 'handshake' | 'starttls' | 'transmission' | 'closed' = 'handshake';
  /** TLS starts when all output is handed over. */
  #startsTls = false;
  /** Once it has begun, new requests fail. */
  #leaving: Promise<void> | undefined;
  /** The connection ends when it is handed over. */
  #saidGoodbye = false;
  /** The caller's requests that are not settled. */
  #calls = 0;
  #whenIdle: () => void = () => {};
  #over: () => void = () => {};
  readonly #closed: Promise<void>;
  #ended: Error | undefined;
  #settle: { resolve(agreed: ClientExport): void; reject(error: Error): void };

  constructor(options: ClientConnectionOptions) {
    this.#options = options;
    this.#settle = { resolve: () => {}, reject: () => {} };
    this.ready = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.ready.catch(() => {}); // nobody has to handle it: all requests reject too
    this.#closed = new Promise((resolve) => {
      this.#over = resolve;
    });
    const handedOver = (): void => this.#handedOver();
    this.#out = new Outgoing(options.send, handedOver, (error) => this.abort(error));
    this.#handshake = new ClientHandshake(wishesOf(options));
  }

  /** Takes bytes of the server, cut anywhere. They stay yours. */
  receive(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    let rest = bytes;
    if (this.#phase === 'handshake' || this.#phase === 'starttls') rest = this.#haggle(bytes);
    if (this.#phase !== 'transmission' || rest.length === 0) return;
    const wrong = this.#transmission?.receive(rest);
    if (wrong !== undefined) this.abort(new NbdProtocolError('NBD_MALFORMED', wrong));
  }

  /** TLS is on: from now on `receive` gets decrypted bytes.
   *  @throws before `tls.start` was called. */
  secured(): void {
    if (this.#phase === 'closed') return;
    const words = this.#handshake.secured();
    this.#phase = 'handshake';
    this.#out.append(words);
    this.#out.flush();
  }

  /** @returns the bytes in memory of their own. */
  async read(
    offset: number | bigint,
    length: number,
    options: ReadOptions = {},
  ): Promise<Uint8Array> {
    const flags = options.dontFragment === true ? CommandFlag.DF : 0;
    const reply = this.#call(options, () =>
      this.#request(Command.READ, flags, offset, length, options),
    );
    return (await reply).data;
  }

  /** @param data all of it is written; do not change it before the promise is settled. */
  async write(
    offset: number | bigint,
    data: Uint8Array,
    options: ChangeOptions = {},
  ): Promise<void> {
    const flags = fuaOf(options);
    const { length } = data;
    await this.#call(options, () =>
      this.#request(Command.WRITE, flags, offset, length, options, data),
    );
  }

  /** Resolves when all changes that were answered before are durable. */
  async flush(options: RequestOptions = {}): Promise<void> {
    await this.#call(options, () => this.#request(Command.FLUSH, 0, 0, 0, options));
  }

  /** The content of the range is not needed any more. What it reads as afterwards depends on the server. */
  async trim(offset: number | bigint, length: number, options: ChangeOptions = {}): Promise<void> {
    await this.#call(options, () =>
      this.#inPieces(Command.TRIM, fuaOf(options), offset, length, options),
    );
  }

  /** The range reads as zeros afterwards. */
  async zeroes(
    offset: number | bigint,
    length: number,
    options: ZeroesOptions = {},
  ): Promise<void> {
    const noHole = options.noHole === true ? CommandFlag.NO_HOLE : 0;
    const fast = options.fast === true ? CommandFlag.FAST_ZERO : 0;
    const flags = fuaOf(options) | noHole | fast;
    await this.#call(options, () =>
      this.#inPieces(Command.WRITE_ZEROES, flags, offset, length, options),
    );
  }

  /** The range will be read soon. */
  async cache(
    offset: number | bigint,
    length: number,
    options: RequestOptions = {},
  ): Promise<void> {
    await this.#call(options, () => this.#inPieces(Command.CACHE, 0, offset, length, options));
  }

  /** The status of the range in the selected contexts, or of its beginning: ask again for the rest. */
  async blockStatus(
    offset: number | bigint,
    length: number,
    options: StatusOptions = {},
  ): Promise<BlockStatus> {
    const single = options.single === true ? CommandFlag.REQ_ONE : 0;
    const reply = this.#call(options, async () => {
      const most = Math.min(length, this.#lengthMax());
      const payload = this.#statusPayload(most, options);
      const flags = single | (payload === undefined ? 0 : CommandFlag.PAYLOAD_LEN);
      return await this.#request(Command.BLOCK_STATUS, flags, offset, most, options, payload);
    });
    return (await reply).status;
  }

  /** Waits until all requests are answered, says goodbye and closes. New requests fail. */
  disconnect(): Promise<void> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  /** Ends the connection at once: all requests in flight reject. Also call it when the transport has
   *  closed. */
  abort(reason?: unknown): void {
    const ended = new NbdProtocolError('NBD_CLOSED', 'the connection ended');
    if (reason === undefined) return this.#end(ended);
    this.#end(reason instanceof Error ? reason : new Error(String(reason)));
  }

  /** @returns the bytes behind the handshake. */
  #haggle(bytes: Uint8Array): Uint8Array {
    const progress = this.#handshake.receive(bytes, 0, bytes.length);
    this.#out.append(progress.output);
    switch (progress.state) {
      case 'starttls':
        this.#startsTls = true;
        this.#phase = 'starttls';
        break;
      case 'transmission':
        this.#begin(progress.agreed);
        break;
      case 'failed': {
        const { reason, refusal } = progress;
        const code = refusal === undefined ? 'NBD_MALFORMED' : 'NBD_REFUSED';
        this.#out.flush();
        this.#end(new NbdProtocolError(code, reason, refusal));
        break;
      }
    }
    this.#out.flush();
    return bytes.subarray(progress.consumed);
  }

  #begin(agreed: ClientAgreed): void {
    const { export: found, replyForm, extendedHeaders, contexts } = agreed;
    this.#phase = 'transmission';
    this.#transmission = new ClientTransmission(agreed, this.#out);
    const blockSize = found.blockSize ?? { minimum: 1, preferred: 4096, maximumPayload: 32 << 20 };
    this.#terms = {
      ...{ flags: found.flags, extended: extendedHeaders, size: found.size },
      contexts: contexts.length,
      alignment: blockSize.minimum,
      payloadMax: blockSize.maximumPayload,
    };
    this.#settle.resolve({
      size: Number(found.size),
      exactSize: found.size,
      flags: found.flags,
      readOnly: (found.flags & TransmissionFlag.READ_ONLY) !== 0,
      description: found.description,
      blockSize,
      contexts: contexts.map(({ name }) => name),
      replyForm,
    });
  }

  #handedOver(): void {
    if (this.#saidGoodbye) return this.#end(undefined);
    if (!this.#startsTls) return;
    this.#startsTls = false;
    this.#options.tls?.start();
  }

  /** One call, from the end of the handshake on. */
  async #call<T>({ signal }: RequestOptions, work: () => Promise<T>): Promise<T> {
    if (this.#ended !== undefined) throw this.#ended;
    if (this.#leaving !== undefined) throw new NbdProtocolError('NBD_CLOSED', NO_MORE);
    this.#calls++;
    try {
      const working = this.#transmission === undefined ? this.ready.then(work) : work();
      return await (signal === undefined ? working : orAborted(signal, working));
    } finally {
      this.#calls--;
      if (this.#calls === 0) this.#whenIdle();
    }
  }

  async #leave(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
      if (this.#calls === 0) resolve();
    });
    // A caller that aborted a request does not wait for it, but the server still answers.
    await this.#transmission?.idle();
    if (this.#phase === 'closed') return;
    if (this.#transmission === undefined) return this.#end(undefined);
    this.#transmission.goodbye();
    this.#saidGoodbye = true;
    this.#out.flush();
    await this.#closed;
  }

  /** A range of any length, in as many requests as necessary, one after the other. */
  async #inPieces(
    command: number,
    flags: number,
    offset: number | bigint,
    length: number,
    options: RequestOptions,
  ): Promise<void> {
    const most = this.#lengthMax();
    let at = offset;
    for (let left = length; left > most; left -= most) {
      await this.#request(command, flags, at, most, options);
      at = typeof at === 'bigint' ? at + BigInt(most) : at + most;
    }
    const rest = length > most ? length % most || most : length;
    await this.#request(command, flags, at, rest, options);
  }

  /** The contexts to ask for, if not all of them. */
  #statusPayload(length: number, { contexts }: StatusOptions): Uint8Array | undefined {
    if (contexts === undefined) return undefined;
    const ids = this.#transmission?.idsOf(contexts) ?? [];
    const known = ids.length > 0 && ids.length === contexts.length;
    // With compact headers a payload would be taken for the next request.
    if (this.#terms?.extended !== true || !known) {
      throw new NbdError('EINVAL', 'these contexts cannot be asked for alone');
    }
    const payload = new Uint8Array(8 + 4 * ids.length);
    encodeBlockStatusPayload(new DataView(payload.buffer), 0, length, ids);
    return payload;
  }

  /** Bytes of one request without a payload: compact headers have 32 bits for them. */
  #lengthMax(): number {
    return this.#terms?.extended === true ? Number.MAX_SAFE_INTEGER : HOLE_MAX;
  }

  /** @throws RangeError for an invalid offset or length. */
  async #request(
    command: number,
    flags: number,
    offset: number | bigint,
    length: number,
    { signal }: RequestOptions,
    payload?: Uint8Array,
  ): Promise<Reply> {
    const header = headerOf(command, flags, offset, length);
    const transmission = this.#transmission;
    const terms = this.#terms;
    if (this.#ended !== undefined) throw this.#ended;
    if (transmission === undefined || terms === undefined) throw new Error('ready, but not agreed');
    if (length > HOLE_MAX && !terms.extended) {
      throw new RangeError(`${length} bytes are more than one request can ask for`);
    }
    const refused = this.#options.strict === false ? undefined : judgeRequest(header, terms);
    if (refused !== undefined) throw refused;
    if (signal?.aborted === true) throw signal.reason;
    return await new Promise((resolve, reject) => {
      transmission.request(header, payload, (error, reply) => {
        if (error === undefined) resolve(reply);
        else reject(error);
      });
      this.#out.flushSoon();
    });
  }

  #end(error: Error | undefined): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    const reason = error ?? new NbdProtocolError('NBD_CLOSED', NO_MORE);
    this.#ended = reason;
    this.#out.close();
    this.#settle.reject(reason);
    this.#transmission?.end(reason);
    this.#over();
    this.#options.close?.(error);
  }
}

function wishesOf(options: ClientConnectionOptions): ClientWishes {
  return {
    goal: options.exportByName === true ? 'export-name' : 'transmission',
    exportName: options.exportName ?? '',
    infos: [...(options.askBlockSize === false ? [] : [BLOCK_SIZE]), DESCRIPTION],
    contexts: options.contexts ?? ['base:allocation'],
    tls: options.tls === undefined ? 'off' : (options.tls.mode ?? 'require'),
    structuredReplies: options.structuredReplies ?? true,
    extendedHeaders: options.extendedHeaders ?? true,
  };
}

/** The same promise, or the abort of the signal. */
function orAborted<T>(signal: SignalLike, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    const forget = (): void => signal.removeEventListener('abort', abort);
    promise.then(resolve, reject).then(forget);
  });
}

function fuaOf({ fua }: ChangeOptions): number {
  return fua === true ? CommandFlag.FUA : 0;
}

/** Both halves of both numbers, exactly. */
function headerOf(
  command: number,
  flags: number,
  offset: number | bigint,
  length: number,
): RequestHeader {
  if (!Number.isSafeInteger(length) || length < 0) throw new RangeError(`a length of ${length}`);
  const whole = typeof offset === 'bigint' || Number.isSafeInteger(offset);
  if (!whole || offset < 0 || offset >= 2n ** 64n) throw new RangeError(`an offset of ${offset}`);
  const exact = BigInt(offset);
  return Object.assign(new RequestHeader(), {
    ...{ command, flags, length, offset: Number(offset) },
    offsetHigh: Number(exact >> 32n),
    offsetLow: Number(exact & 0xffff_ffffn),
    lengthHigh: highWord(length),
    lengthLow: length % TWO_TO_32,
  });
}
