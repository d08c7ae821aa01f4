/** The header of a reply or a chunk, as a client finds it. Source: nbd-protocol.md section 3.1. */

import { EXTENDED_REPLY_MAGIC, SIMPLE_REPLY_MAGIC, STRUCTURED_REPLY_MAGIC } from './constants.ts';
import { CHUNK_BYTES, EXTENDED_CHUNK_BYTES, SIMPLE_REPLY_BYTES } from './reply.ts';
import type { ReplyForm } from './reply-encoder.ts';
import { DecodeStatus } from './request.ts';
import { getUint64 } from './words.ts';

/** Made once and filled again and again. */
export class ReplyHeader {
  form: ReplyForm = 'simple';
  /** It is a chunk, of either kind. */
  structured = false;
  /** Of a simple reply. */
  error = 0;
  /** Of a chunk. */
  flags = 0;
  type = 0;
  cookieHigh = 0;
  cookieLow = 0;
  /** Of an extended chunk: the offset of the request, as exact halves. */
  offsetHigh = 0;
  offsetLow = 0;
  /** Bytes of payload behind a chunk's header; a simple reply does not say. */
  length = 0;
}

/** Decodes the header of a simple reply, a structured or an extended chunk. Allocates nothing. */
export function decodeReply(
  view: DataView,
  at: number,
  end: number,
  into: ReplyHeader,
): DecodeStatus {
  if (end - at < 4) return DecodeStatus.INCOMPLETE;
  const form = formOf(view.getUint32(at));
  if (form === undefined) return DecodeStatus.BAD_MAGIC;
  if (end - at < replyHeaderBytes(form)) return DecodeStatus.INCOMPLETE;
  const structured = form !== 'simple';
  const extended = form === 'extended';
  into.form = form;
  into.structured = structured;
  into.error = structured ? 0 : view.getUint32(at + 4);
  into.flags = structured ? view.getUint16(at + 4) : 0;
  into.type = structured ? view.getUint16(at + 6) : 0;
  into.cookieHigh = view.getUint32(at + 8);
  into.cookieLow = view.getUint32(at + 12);
  into.offsetHigh = extended ? view.getUint32(at + 16) : 0;
  into.offsetLow = extended ? view.getUint32(at + 20) : 0;
  if (extended) into.length = getUint64(view, at + 24);
  else into.length = structured ? view.getUint32(at + 16) : 0;
  return DecodeStatus.REQUEST;
}

/** The form that a magic begins. */
export function formOf(magic: number): ReplyForm | undefined {
  if (magic === SIMPLE_REPLY_MAGIC) return 'simple';
  if (magic === STRUCTURED_REPLY_MAGIC) return 'structured';
  return magic === EXTENDED_REPLY_MAGIC ? 'extended' : undefined;
}

export function replyHeaderBytes(form: ReplyForm): number {
  if (form === 'simple') return SIMPLE_REPLY_BYTES;
  return form === 'structured' ? CHUNK_BYTES : EXTENDED_CHUNK_BYTES;
}
