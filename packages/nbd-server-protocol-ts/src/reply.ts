/** The server's replies, byte by byte. Encoders write at a place in the caller's buffer and return how many
 *  bytes; they allocate nothing. `ReplyEncoder` is the same for every agreed form.
 *  Source: nbd-protocol.md section 3.1. */

import {
  ChunkFlag,
  ChunkType,
  EXTENDED_REPLY_MAGIC,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
} from './constants.ts';
import type { ReplyAddress } from './request.ts';
import { utf8Prefix } from './text.ts';
import { setUint64 } from './words.ts';

export const SIMPLE_REPLY_BYTES = 16;
export const CHUNK_BYTES = 20;
/** A chunk header and the offset that begins the payload of OFFSET_DATA. */
export const OFFSET_DATA_BYTES = 28;
export const EXTENDED_CHUNK_BYTES = 32;

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

/** The header of an extended chunk whose payload of `length` bytes follows. */
export function encodeExtendedChunk(
  view: DataView,
  at: number,
  flags: number,
  type: number,
  to: ReplyAddress,
  length: number,
): number {
  view.setUint32(at, EXTENDED_REPLY_MAGIC);
  view.setUint16(at + 4, flags);
  view.setUint16(at + 6, type);
  view.setUint32(at + 8, to.cookieHigh);
  view.setUint32(at + 12, to.cookieLow);
  view.setUint32(at + 16, to.offsetHigh);
  view.setUint32(at + 20, to.offsetLow);
  setUint64(view, at + 24, length);
  return EXTENDED_CHUNK_BYTES;
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
  setUint64(view, at + 20, offset);
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
  const length = utf8Prefix(text);
  encodeChunk(view, at, ChunkFlag.DONE, ChunkType.ERROR, cookieHigh, cookieLow, 6 + length);
  return CHUNK_BYTES + encodeErrorPayload(view, bytes, at + CHUNK_BYTES, error, text, length);
}

/** What ERROR and ERROR_OFFSET begin with: error, length of the text, `length` bytes of the text. */
export function encodeErrorPayload(
  view: DataView,
  bytes: Uint8Array,
  at: number,
  error: number,
  text: Uint8Array,
  length: number,
): number {
  view.setUint32(at, error);
  view.setUint16(at + 4, length);
  for (let i = 0; i < length; i++) bytes[at + 6 + i] = text[i] ?? 0;
  return 6 + length;
}
