/** Replies in the form that the handshake agreed on: simple, structured or extended. One object for
 *  each connection; it holds no state but the form. Source: nbd-protocol.md section 3.1. */

import { ChunkFlag, ChunkType } from './constants.ts';
import {
  CHUNK_BYTES,
  EXTENDED_CHUNK_BYTES,
  encodeChunk,
  encodeErrorPayload,
  encodeExtendedChunk,
  encodeSimpleReply,
  SIMPLE_REPLY_BYTES,
} from './reply.ts';
import type { ReplyAddress } from './request.ts';
import { utf8Prefix } from './text.ts';
import { highWord, setSum, TWO_TO_32 } from './words.ts';

/** simple: 16 bytes and the data. structured: chunks. extended: chunks with 64-bit lengths. */
export type ReplyForm = 'simple' | 'structured' | 'extended';

const headerBytes = {
  simple: SIMPLE_REPLY_BYTES,
  structured: CHUNK_BYTES,
  extended: EXTENDED_CHUNK_BYTES,
} as const satisfies Record<ReplyForm, number>;

const NO_TEXT = new Uint8Array(0);
const BLOCK_MAX = 65_536;
/** The longest hole that one chunk can tell, a multiple of every block size. */
export const HOLE_MAX = 2 ** 32 - BLOCK_MAX;

/** Each method writes at byte `at` of `view`, returns how many bytes, and allocates nothing.
 *  Offsets are counted from the request's own, whose 64 bits are exact: `delta` bytes behind it.
 *  Chunks carry `flags`: DONE on the last one of a reply, 0 before. */
export class ReplyEncoder {
  readonly form: ReplyForm;
  /** Bytes of the header of a reply or chunk. */
  readonly headerBytes: number;
  /** Bytes in front of a read's data: all of a simple reply, or an OFFSET_DATA chunk's head. */
  readonly dataHeadBytes: number;
  /** Bytes of a block status chunk in front of its extents, and of one extent. */
  readonly statusHeadBytes: number;
  readonly extentBytes: number;
  /** The longest extent that can be told, a multiple of every block size; longer ones in pieces. */
  readonly extentMax: number;
  readonly #simple: boolean;
  readonly #extended: boolean;

  constructor(form: ReplyForm) {
    this.form = form;
    this.#simple = form === 'simple';
    this.#extended = form === 'extended';
    this.headerBytes = headerBytes[form];
    this.dataHeadBytes = this.headerBytes + (this.#simple ? 0 : 8);
    this.statusHeadBytes = this.headerBytes + (this.#extended ? 8 : 4);
    this.extentBytes = this.#extended ? 16 : 8;
    this.extentMax = this.#extended ? Number.MAX_SAFE_INTEGER + 1 - BLOCK_MAX : HOLE_MAX;
  }

  /** The command succeeded without further data. */
  done(view: DataView, at: number, to: ReplyAddress): number {
    if (this.#simple) return encodeSimpleReply(view, at, 0, to.cookieHigh, to.cookieLow);
    return this.#chunk(view, at, ChunkFlag.DONE, ChunkType.NONE, to, 0);
  }

  /** The command failed; the end of the reply. A simple reply has no room for the text, a text above
   *  4096 bytes is cut.
   *  @param bytes the same memory as `view`: `headerBytes` + 6 + the text must fit. */
  error(
    view: DataView,
    bytes: Uint8Array,
    at: number,
    to: ReplyAddress,
    error: number,
    text: Uint8Array = NO_TEXT,
  ): number {
    if (this.#simple) return encodeSimpleReply(view, at, error, to.cookieHigh, to.cookieLow);
    const length = utf8Prefix(text);
    const head = this.#chunk(view, at, ChunkFlag.DONE, ChunkType.ERROR, to, 6 + length);
    return head + encodeErrorPayload(view, bytes, at + head, error, text, length);
  }

  /** ERROR_OFFSET: the command failed at `delta`; other chunks may follow. As a simple reply it is an
   *  error without its place. */
  errorAt(
    view: DataView,
    bytes: Uint8Array,
    at: number,
    flags: number,
    to: ReplyAddress,
    error: number,
    text: Uint8Array,
    delta: number,
  ): number {
    if (this.#simple) return encodeSimpleReply(view, at, error, to.cookieHigh, to.cookieLow);
    const length = utf8Prefix(text);
    const head = this.#chunk(view, at, flags, ChunkType.ERROR_OFFSET, to, 14 + length);
    const end = head + encodeErrorPayload(view, bytes, at + head, error, text, length);
    setSum(view, at + end, to.offsetHigh, to.offsetLow, delta);
    return end + 8;
  }

  /** What goes in front of `length` (at least one) bytes of data. A simple reply must be whole: delta
   *  0, and all data that were asked for. */
  data(
    view: DataView,
    at: number,
    flags: number,
    to: ReplyAddress,
    delta: number,
    length: number,
  ): number {
    if (this.#simple) return encodeSimpleReply(view, at, 0, to.cookieHigh, to.cookieLow);
    const head = this.#chunk(view, at, flags, ChunkType.OFFSET_DATA, to, 8 + length);
    setSum(view, at + head, to.offsetHigh, to.offsetLow, delta);
    return head + 8;
  }

  /** `length` bytes that are zero and are not sent: at least one, at most `HOLE_MAX`. Not for simple
   *  replies, which must send them. */
  hole(
    view: DataView,
    at: number,
    flags: number,
    to: ReplyAddress,
    delta: number,
    length: number,
  ): number {
    const head = this.#chunk(view, at, flags, ChunkType.OFFSET_HOLE, to, 12);
    setSum(view, at + head, to.offsetHigh, to.offsetLow, delta);
    view.setUint32(at + head + 8, length);
    return head + 12;
  }

  /** What goes in front of `extents` (at least one) extents of one context: BLOCK_STATUS, or
   *  BLOCK_STATUS_EXT with extended headers. Not for simple replies. */
  status(
    view: DataView,
    at: number,
    flags: number,
    to: ReplyAddress,
    contextId: number,
    extents: number,
  ): number {
    const extended = this.#extended;
    const type = extended ? ChunkType.BLOCK_STATUS_EXT : ChunkType.BLOCK_STATUS;
    const length = (extended ? 8 : 4) + extents * this.extentBytes;
    const head = this.#chunk(view, at, flags, type, to, length);
    view.setUint32(at + head, contextId);
    if (extended) view.setUint32(at + head + 4, extents);
    return this.statusHeadBytes;
  }

  /** One extent: its length in bytes and its status. Without extended headers both have 32 bits:
   *  the upper half of the status is left out. Lengths are not 0 and at most `extentMax`.
   *  @param rest more bytes of it, for a length above 2^53: `length` is then a multiple of 4096. */
  extent(
    view: DataView,
    at: number,
    length: number,
    statusHigh: number,
    statusLow: number,
    rest = 0,
  ): number {
    if (this.#extended) {
      setSum(view, at, highWord(length), length % TWO_TO_32, rest);
      view.setUint32(at + 8, statusHigh);
      view.setUint32(at + 12, statusLow);
    } else {
      view.setUint32(at, length);
      view.setUint32(at + 4, statusLow);
    }
    return this.extentBytes;
  }

  #chunk(
    view: DataView,
    at: number,
    flags: number,
    type: number,
    to: ReplyAddress,
    length: number,
  ): number {
    return this.#extended
      ? encodeExtendedChunk(view, at, flags, type, to, length)
      : encodeChunk(view, at, flags, type, to.cookieHigh, to.cookieLow, length);
  }
}
