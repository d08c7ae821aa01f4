/** Requests in both directions: the compact header of 28 bytes, the extended one of 32, and the payload of a
 *  BLOCK_STATUS. Stateless: a caller that does not have all of it yet presents the same bytes again with more
 *  behind them. Only the *At functions, which take a bigint, allocate.
 *  Source: nbd-protocol.md sections 3.1 and 3.3. */

import type { ClientFault } from './client-faults.ts';
import { Command, CommandFlag, EXTENDED_REQUEST_MAGIC, REQUEST_MAGIC } from './constants.ts';
import { highWord, TWO_TO_32 } from './words.ts';

export const COMPACT_REQUEST_BYTES = 28;
export const EXTENDED_REQUEST_BYTES = 32;

/** Where a reply goes, and what its offsets are counted from: the request's cookie and its offset.
 *  All four are 32-bit halves, so that 64 bits are echoed exactly. */
export interface ReplyAddress {
  readonly cookieHigh: number;
  readonly cookieLow: number;
  readonly offsetHigh: number;
  readonly offsetLow: number;
}

/** One request's header; made once and filled again and again. */
export class RequestHeader implements ReplyAddress {
  flags = 0;
  command = 0;
  /** The cookie's halves: 64 opaque bits, echoed and never interpreted. */
  cookieHigh = 0;
  cookieLow = 0;
  /** Bytes. Exact below 2^53; above, rounded, but still in order. */
  offset = 0;
  /** Bytes, likewise: of the payload where there is one, else of the effect. */
  length = 0;
  /** The halves of `offset`, always exact. Encoders do not look at them but fill them in, so that a
   *  client may keep the header and find its replies by it. */
  offsetHigh = 0;
  offsetLow = 0;
  /** The halves of `length`, likewise. */
  lengthHigh = 0;
  lengthLow = 0;
}

export const DecodeStatus = { INCOMPLETE: 0, REQUEST: 1, BAD_MAGIC: 2 } as const;
export type DecodeStatus = (typeof DecodeStatus)[keyof typeof DecodeStatus];

/** Decodes the compact header at byte `at` of the window that ends at `end`. Allocates nothing. */
export function decodeRequest(
  view: DataView,
  at: number,
  end: number,
  into: RequestHeader,
): DecodeStatus {
  if (end - at < 4) return DecodeStatus.INCOMPLETE;
  if (view.getUint32(at) !== REQUEST_MAGIC) return DecodeStatus.BAD_MAGIC;
  if (end - at < COMPACT_REQUEST_BYTES) return DecodeStatus.INCOMPLETE;
  decodeCommon(view, at, into);
  into.lengthHigh = 0;
  into.lengthLow = into.length = view.getUint32(at + 24);
  return DecodeStatus.REQUEST;
}

/** As `decodeRequest`, for a connection that agreed on extended headers. Allocates nothing. */
export function decodeExtendedRequest(
  view: DataView,
  at: number,
  end: number,
  into: RequestHeader,
): DecodeStatus {
  if (end - at < 4) return DecodeStatus.INCOMPLETE;
  if (view.getUint32(at) !== EXTENDED_REQUEST_MAGIC) return DecodeStatus.BAD_MAGIC;
  if (end - at < EXTENDED_REQUEST_BYTES) return DecodeStatus.INCOMPLETE;
  decodeCommon(view, at, into);
  into.lengthHigh = view.getUint32(at + 24);
  into.lengthLow = view.getUint32(at + 28);
  into.length = into.lengthHigh * TWO_TO_32 + into.lengthLow;
  return DecodeStatus.REQUEST;
}

/** The bytes that follow the header, whatever their use: they must be consumed even if the command is
 *  refused. Those of a WRITE follow even without PAYLOAD_LEN: see `requestFault`. */
export function payloadBytes(header: RequestHeader, extended: boolean): number {
  const { flags, command, length } = header;
  if (command === Command.WRITE) return length;
  return extended && (flags & CommandFlag.PAYLOAD_LEN) !== 0 ? length : 0;
}

/** What is wrong with the header of a request that can still be served. Allocates nothing. */
export function requestFault(header: RequestHeader, extended: boolean): ClientFault | undefined {
  const { flags, command, length } = header;
  if (!extended || command !== Command.WRITE || length === 0) return undefined;
  return (flags & CommandFlag.PAYLOAD_LEN) === 0 ? 'write-without-payload-len' : undefined;
}

/** True when the range ends beyond a size of so many bytes. Exact for all 64 bits. */
export function endsBeyond(
  header: Pick<RequestHeader, 'offsetHigh' | 'offsetLow' | 'lengthHigh' | 'lengthLow'>,
  sizeHigh: number,
  sizeLow: number,
): boolean {
  const low = header.offsetLow + header.lengthLow;
  const carry = low >= TWO_TO_32 ? 1 : 0;
  const high = header.offsetHigh + header.lengthHigh + carry;
  return high > sizeHigh || (high === sizeHigh && low - carry * TWO_TO_32 > sizeLow);
}

/** Writes a compact request at byte `at`: offset and length as Numbers.
 *  @returns the bytes written. Allocates nothing. */
export function encodeRequest(view: DataView, at: number, header: RequestHeader): number {
  placeNumbers(header);
  return encodeCompact(view, at, header);
}

/** The same as bytes of their own, in the form that was agreed on. A WRITE's payload goes behind them, and
 *  with extended headers its flags have PAYLOAD_LEN. */
export function requestBytes(header: RequestHeader, extended: boolean): Uint8Array {
  const bytes = new Uint8Array(extended ? EXTENDED_REQUEST_BYTES : COMPACT_REQUEST_BYTES);
  const encode = extended ? encodeExtendedRequest : encodeRequest;
  encode(new DataView(bytes.buffer), 0, header);
  return bytes;
}

/** A client's goodbye, which has no reply. */
export function disconnectBytes(extended: boolean): Uint8Array {
  return requestBytes(Object.assign(new RequestHeader(), { command: Command.DISC }), extended);
}

/** As `encodeRequest`, for an `offset` of all 64 bits; the header's Number is ignored. */
export function encodeRequestAt(
  view: DataView,
  at: number,
  header: RequestHeader,
  offset: bigint,
): number {
  placeNumbers(header);
  header.offsetHigh = Number(offset >> 32n);
  header.offsetLow = Number(offset & 0xffff_ffffn);
  return encodeCompact(view, at, header);
}

/** Writes an extended request at byte `at`: offset and length as Numbers, PAYLOAD_LEN as the flags
 *  say. @returns the bytes written. Allocates nothing. */
export function encodeExtendedRequest(view: DataView, at: number, header: RequestHeader): number {
  placeNumbers(header);
  return encodeExtended(view, at, header);
}

/** As `encodeExtendedRequest`, for an `offset` and a `length` of all 64 bits. */
export function encodeExtendedRequestAt(
  view: DataView,
  at: number,
  header: RequestHeader,
  offset: bigint,
  length: bigint,
): number {
  header.offsetHigh = Number(offset >> 32n);
  header.offsetLow = Number(offset & 0xffff_ffffn);
  header.lengthHigh = Number(length >> 32n);
  header.lengthLow = Number(length & 0xffff_ffffn);
  return encodeExtended(view, at, header);
}

function decodeCommon(view: DataView, at: number, into: RequestHeader): void {
  into.flags = view.getUint16(at + 4);
  into.command = view.getUint16(at + 6);
  into.cookieHigh = view.getUint32(at + 8);
  into.cookieLow = view.getUint32(at + 12);
  into.offsetHigh = view.getUint32(at + 16);
  into.offsetLow = view.getUint32(at + 20);
  into.offset = into.offsetHigh * TWO_TO_32 + into.offsetLow;
}

/** The halves of the Numbers, which are below 2^64. */
function placeNumbers(header: RequestHeader): void {
  header.offsetHigh = highWord(header.offset);
  header.offsetLow = header.offset % TWO_TO_32;
  header.lengthHigh = highWord(header.length);
  header.lengthLow = header.length % TWO_TO_32;
}

function encodeCompact(view: DataView, at: number, header: RequestHeader): number {
  encodeCommon(view, at, REQUEST_MAGIC, header);
  view.setUint32(at + 24, header.lengthLow);
  return COMPACT_REQUEST_BYTES;
}

function encodeExtended(view: DataView, at: number, header: RequestHeader): number {
  encodeCommon(view, at, EXTENDED_REQUEST_MAGIC, header);
  view.setUint32(at + 24, header.lengthHigh);
  view.setUint32(at + 28, header.lengthLow);
  return EXTENDED_REQUEST_BYTES;
}

function encodeCommon(view: DataView, at: number, magic: number, header: RequestHeader): void {
  view.setUint32(at, magic);
  view.setUint16(at + 4, header.flags);
  view.setUint16(at + 6, header.command);
  view.setUint32(at + 8, header.cookieHigh);
  view.setUint32(at + 12, header.cookieLow);
  view.setUint32(at + 16, header.offsetHigh);
  view.setUint32(at + 20, header.offsetLow);
}
