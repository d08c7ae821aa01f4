/** The client's half of transmission: takes replies apart, in any form and at any cut of the bytes, and
 *  checks the server's replies against the rules. Allocates only texts of errors.
 *  Source: nbd-protocol.md section 3.1. */

import { ChunkFlag, ChunkType, Command, STRING_BYTES_MAX } from './constants.ts';
import type { ReplyForm } from './reply-encoder.ts';
import { decodeReply, formOf, ReplyHeader, replyHeaderBytes } from './reply-header.ts';
import type { RequestHeader } from './request.ts';
import { decodeUtf8 } from './text.ts';
import { getUint64, TWO_TO_32 } from './words.ts';

/** Told what replies bring, in the order of the bytes. `request` is what `find` returned. */
export interface ReplyHandler {
  /** The request in flight with this cookie; undefined = there is none, which ends the decoding. */
  find(cookieHigh: number, cookieLow: number): RequestHeader | undefined;
  /** bytes[start, end) were read from `delta` bytes behind the request's offset. The pieces have the size in
   *  which they arrived; the bytes belong to the caller. */
  data(request: RequestHeader, delta: number, bytes: Uint8Array, start: number, end: number): void;
  /** `length` bytes are zero. Without this function they are reported as data. */
  hole?(request: RequestHeader, delta: number, length: number): void;
  /** The next extent in one context, with the halves of its status. For BLOCK_STATUS. */
  extent?(
    request: RequestHeader,
    contextId: number,
    length: number,
    statusHigh: number,
    statusLow: number,
  ): void;
  /** An NBD error, a text ('' where the reply has none), and its place: `delta` is -1 without one. */
  error(request: RequestHeader, error: number, text: string, delta: number): void;
  /** The reply is complete; the cookie is free. */
  done(request: RequestHeader): void;
}

/** Of an ERROR_OFFSET with the longest text. */
const ERROR_BYTES_MAX = 6 + STRING_BYTES_MAX + 8;

/** How a hole is reported without a function for it. */
const ZEROS = new Uint8Array(65_536);

const State = {
  MAGIC: 0,
  HEADER: 1,
  OFFSET: 2,
  DATA: 3,
  HOLE: 4,
  IDS: 5,
  EXTENT: 6,
  ERROR: 7,
} as const;
type State = (typeof State)[keyof typeof State];

export class ReplyDecoder {
  readonly #form: ReplyForm;
  readonly #handler: ReplyHandler;
  readonly #reply = new ReplyHeader();
  /** Of the message in hand: the first `#have` of `#need` bytes. */
  readonly #bytes = new Uint8Array(ERROR_BYTES_MAX);
  readonly #view = new DataView(this.#bytes.buffer);
  #state: State = State.MAGIC;
  #have = 0;
  #need = 4;
  #request: RequestHeader | undefined;
  /** Data or extents of the chunk that are still missing. */
  #left = 0;
  #delta = 0;
  #contextId = 0;
  #failure: string | undefined;

  /** @param form what the handshake agreed on. */
  constructor(form: ReplyForm, handler: ReplyHandler) {
    this.#form = form;
    this.#handler = handler;
  }

  /** No reply has begun without being complete: a connection may end here. */
  get between(): boolean {
    return this.#state === State.MAGIC && this.#have === 0;
  }

  /** Takes all of bytes[start, end).
   *  @returns the server's mistake; after it nothing can be decoded. */
  receive(bytes: Uint8Array, start: number, end: number): string | undefined {
    let at = start;
    while (this.#failure === undefined) {
      if (this.#state === State.DATA) {
        if (at === end) break;
        at += this.#takeData(bytes, at, end);
        continue;
      }
      while (this.#have < this.#need && at < end) this.#bytes[this.#have++] = bytes[at++] ?? 0;
      if (this.#have < this.#need) break;
      this.#failure = this.#take();
    }
    return this.#failure;
  }

  #takeData(bytes: Uint8Array, at: number, end: number): number {
    const took = Math.min(this.#left, end - at);
    this.#left -= took;
    if (this.#request !== undefined) {
      this.#handler.data(this.#request, this.#delta, bytes, at, at + took);
    }
    this.#delta += took;
    if (this.#left === 0) this.#endChunk();
    return took;
  }

  /** The bytes that were needed are there. @returns what is wrong with them. */
  #take(): string | undefined {
    switch (this.#state) {
      case State.MAGIC:
        return this.#takeMagic();
      case State.HEADER:
        return this.#takeHeader();
      case State.OFFSET:
        return this.#takeOffset();
      case State.HOLE:
        return this.#takeHole();
      case State.IDS:
        return this.#takeIds();
      case State.EXTENT:
        return this.#takeExtent();
      default:
        return this.#takeError();
    }
  }

  #expect(state: State, need: number): undefined {
    this.#state = state;
    this.#need = need;
    this.#have = 0;
  }

  #takeMagic(): string | undefined {
    const form = formOf(this.#view.getUint32(0));
    const fits = form === this.#form || (form === 'simple' && this.#form === 'structured');
    if (form === undefined || !fits) return 'bytes that are not a reply (wrong magic)';
    this.#state = State.HEADER;
    this.#need = replyHeaderBytes(form);
    return undefined;
  }

  #takeHeader(): string | undefined {
    const reply = this.#reply;
    decodeReply(this.#view, 0, this.#need, reply);
    const request = this.#handler.find(reply.cookieHigh, reply.cookieLow);
    if (request === undefined) return 'a reply to no request';
    this.#request = request;
    return reply.structured ? this.#beginChunk(request) : this.#beginSimple(request);
  }

  #beginSimple(request: RequestHeader): string | undefined {
    const { error } = this.#reply;
    if (error !== 0) {
      this.#handler.error(request, error, '', -1);
      return this.#endChunk();
    }
    if (request.command === Command.BLOCK_STATUS) return 'a block status without a status';
    if (request.command !== Command.READ) return this.#endChunk();
    if (this.#form !== 'simple') return 'a simple reply to a read after structured replies';
    if (request.length === 0) return this.#endChunk();
    return this.#expectData(0, request.length);
  }

  #beginChunk(request: RequestHeader): string | undefined {
    const { type, length, flags, form } = this.#reply;
    const extended = form === 'extended';
    if (extended && !this.#echoesOffset(request)) return 'a chunk with a foreign offset';
    switch (type) {
      case ChunkType.NONE:
        if (length !== 0 || (flags & ChunkFlag.DONE) === 0) return 'a malformed NONE chunk';
        return this.#endChunk();
      case ChunkType.OFFSET_DATA:
        if (request.command !== Command.READ) return 'data that were not asked for';
        return length <= 8 ? 'a data chunk without data' : this.#expect(State.OFFSET, 8);
      case ChunkType.OFFSET_HOLE:
        if (request.command !== Command.READ) return 'a hole that was not asked for';
        return length === 12 ? this.#expect(State.HOLE, 12) : 'a hole chunk of a wrong length';
      case ChunkType.BLOCK_STATUS:
      case ChunkType.BLOCK_STATUS_EXT:
        return this.#beginStatus(request);
      default:
        if (type < ChunkType.ERROR) return `a chunk of the unknown type ${type}`;
        if (length < 6 || length > ERROR_BYTES_MAX) return 'an error chunk of a wrong length';
        return this.#expect(State.ERROR, length);
    }
  }

  #beginStatus(request: RequestHeader): string | undefined {
    const { type, length, form } = this.#reply;
    const extended = form === 'extended';
    if (request.command !== Command.BLOCK_STATUS) return 'a status that was not asked for';
    if (extended !== (type === ChunkType.BLOCK_STATUS_EXT)) return 'a status of the wrong form';
    const head = extended ? 8 : 4;
    this.#left = (length - head) / (extended ? 16 : 8);
    if (this.#left < 1 || this.#left % 1 !== 0) return 'a status chunk of a wrong length';
    return this.#expect(State.IDS, head);
  }

  #takeOffset(): string | undefined {
    return this.#expectData(this.#deltaAt(0), this.#reply.length - 8);
  }

  #expectData(delta: number, length: number): string | undefined {
    if (!this.#inside(delta, length)) return 'data outside of what was read';
    this.#delta = delta;
    this.#left = length;
    return this.#expect(State.DATA, 0);
  }

  #takeHole(): string | undefined {
    const delta = this.#deltaAt(0);
    const length = this.#view.getUint32(8);
    if (length === 0) return 'a hole of no bytes';
    if (!this.#inside(delta, length)) return 'a hole outside of what was read';
    if (this.#request !== undefined) this.#tellHole(this.#request, delta, length);
    return this.#endChunk();
  }

  #tellHole(request: RequestHeader, delta: number, length: number): void {
    if (this.#handler.hole !== undefined) return this.#handler.hole(request, delta, length);
    for (let done = 0; done < length; done += ZEROS.length) {
      const part = Math.min(ZEROS.length, length - done);
      this.#handler.data(request, delta + done, ZEROS, 0, part);
    }
  }

  #takeIds(): string | undefined {
    const extended = this.#form === 'extended';
    if (extended && this.#view.getUint32(4) !== this.#left) return 'a wrong number of extents';
    this.#contextId = this.#view.getUint32(0);
    return this.#expect(State.EXTENT, extended ? 16 : 8);
  }

  #takeExtent(): string | undefined {
    const extended = this.#form === 'extended';
    const view = this.#view;
    const length = extended ? getUint64(view, 0) : view.getUint32(0);
    if (length === 0) return 'an extent of no bytes';
    const high = extended ? view.getUint32(8) : 0;
    const low = view.getUint32(extended ? 12 : 4);
    if (this.#request !== undefined) {
      this.#handler.extent?.(this.#request, this.#contextId, length, high, low);
    }
    this.#left--;
    return this.#left === 0 ? this.#endChunk() : this.#expect(State.EXTENT, this.#need);
  }

  /** Also for unknown error types: all begin alike. */
  #takeError(): string | undefined {
    const error = this.#view.getUint32(0);
    const textEnd = 6 + this.#view.getUint16(4);
    const located = this.#reply.type === ChunkType.ERROR_OFFSET;
    if (error === 0) return 'an error chunk without an error';
    if (textEnd > this.#need - (located ? 8 : 0)) return 'an error text that does not fit';
    const text = decodeUtf8(this.#bytes.subarray(6, textEnd)) ?? 'a text that is not UTF-8';
    const delta = located ? this.#deltaAt(textEnd) : -1;
    if (located && !this.#inside(delta, 0)) return 'an error outside of the request';
    if (this.#request !== undefined) this.#handler.error(this.#request, error, text, delta);
    return this.#endChunk();
  }

  #endChunk(): undefined {
    const request = this.#request;
    const last = !this.#reply.structured || (this.#reply.flags & ChunkFlag.DONE) !== 0;
    this.#request = undefined;
    this.#expect(State.MAGIC, 4);
    if (last && request !== undefined) this.#handler.done(request);
  }

  /** The offset in the payload, counted from the request's: exact where it is inside of it. */
  #deltaAt(at: number): number {
    const high = this.#view.getUint32(at) - (this.#request?.offsetHigh ?? 0);
    return high * TWO_TO_32 + this.#view.getUint32(at + 4) - (this.#request?.offsetLow ?? 0);
  }

  #echoesOffset({ offsetHigh, offsetLow }: RequestHeader): boolean {
    return this.#reply.offsetHigh === offsetHigh && this.#reply.offsetLow === offsetLow;
  }

  #inside(delta: number, length: number): boolean {
    return delta >= 0 && delta + length <= (this.#request?.length ?? 0);
  }
}
