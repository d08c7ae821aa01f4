/** Replies, simple and structured, in both directions. Encoders write at a place in a buffer of the
 *  caller's and return how many bytes; nothing is allocated. Source: nbd-protocol.md section 3.1. */

import {
  ChunkFlag,
  ChunkType,
  SIMPLE_REPLY_MAGIC,
  STRING_BYTES_MAX,
  STRUCTURED_REPLY_MAGIC,
} from './constants.ts';
import { DecodeStatus } from './request.ts';

export const SIMPLE_REPLY_BYTES = 16;
export const CHUNK_BYTES = 20;
/** A chunk header and the offset that begins the payload of OFFSET_DATA. */
export const OFFSET_DATA_BYTES = 28;
const TWO_TO_32 = 0x1_0000_0000;

export function encodeSimpleReply(
  view: DataView,
  at: number,
  error: number,
  cookieHigh: number,
  cookieLow: number,
): number {
  view.setUint32(at, SIMPLE_REPLY_MAGIC);
  view.setUint32(at + 4, error);
  view.setUint32(at + 8, cookieHigh);
  view.setUint32(at + 12, cookieLow);
  return SIMPLE_REPLY_BYTES;
}

/** The header of a chunk whose payload of `length` bytes follows. */
export function encodeChunk(
  view: DataView,
  at: number,
  flags: number,
  type: number,
  cookieHigh: number,
  cookieLow: number,
  length: number,
): number {
  view.setUint32(at, STRUCTURED_REPLY_MAGIC);
  view.setUint16(at + 4, flags);
  view.setUint16(at + 6, type);
  view.setUint32(at + 8, cookieHigh);
  view.setUint32(at + 12, cookieLow);
  view.setUint32(at + 16, length);
  return CHUNK_BYTES;
}

/** The head of an OFFSET_DATA chunk; `dataBytes` (at least one) of data follow. */
export function encodeOffsetData(
  view: DataView,
  at: number,
  flags: number,
  cookieHigh: number,
  cookieLow: number,
  offset: number,
  dataBytes: number,
): number {
  encodeChunk(view, at, flags, ChunkType.OFFSET_DATA, cookieHigh, cookieLow, dataBytes + 8);
  view.setUint32(at + 20, Math.floor(offset / TWO_TO_32));
  view.setUint32(at + 24, offset % TWO_TO_32);
  return OFFSET_DATA_BYTES;
}

/** An ERROR chunk, the last of its reply, with a text in UTF-8 for humans.
 *  @param bytes the same memory as `view`. A text above 4096 bytes is cut between characters. */
export function encodeErrorChunk(
  view: DataView,
  bytes: Uint8Array,
  at: number,
  cookieHigh: number,
  cookieLow: number,
  error: number,
  text: Uint8Array,
): number {
  const length = textLength(text);
  encodeChunk(view, at, ChunkFlag.DONE, ChunkType.ERROR, cookieHigh, cookieLow, 6 + length);
  view.setUint32(at + 20, error);
  view.setUint16(at + 24, length);
  for (let i = 0; i < length; i++) bytes[at + 26 + i] = text[i] ?? 0;
  return 26 + length;
}

/** How much of `text` may be sent. */
function textLength(text: Uint8Array): number {
  if (text.length <= STRING_BYTES_MAX) return text.length;
  let length = STRING_BYTES_MAX;
  while (length > 0 && ((text[length] ?? 0) & 0xc0) === 0x80) length--;
  return length;
}

/** A reply's header as a client finds it. */
export class ReplyHeader {
  structured = false;
  /** Of a simple reply. */
  error = 0;
  /** Of a chunk. */
  flags = 0;
  type = 0;
  cookieHigh = 0;
  cookieLow = 0;
  /** Bytes of payload behind a chunk's header; a simple reply does not say. */
  length = 0;
}

/** Decodes the header of a simple reply or of a chunk. */
export function decodeReply(
  view: DataView,
  at: number,
  end: number,
  into: ReplyHeader,
): DecodeStatus {
  if (end - at < 4) return DecodeStatus.INCOMPLETE;
  const magic = view.getUint32(at);
  into.structured = magic === STRUCTURED_REPLY_MAGIC;
  if (!into.structured && magic !== SIMPLE_REPLY_MAGIC) return DecodeStatus.BAD_MAGIC;
  if (end - at < (into.structured ? CHUNK_BYTES : SIMPLE_REPLY_BYTES)) {
    return DecodeStatus.INCOMPLETE;
  }
  into.error = into.structured ? 0 : view.getUint32(at + 4);
  into.flags = into.structured ? view.getUint16(at + 4) : 0;
  into.type = into.structured ? view.getUint16(at + 6) : 0;
  into.cookieHigh = view.getUint32(at + 8);
  into.cookieLow = view.getUint32(at + 12);
  into.length = into.structured ? view.getUint32(at + 16) : 0;
  return DecodeStatus.REQUEST;
}
