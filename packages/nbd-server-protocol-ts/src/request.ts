/** The compact request header, in both directions. Stateless: a caller that has not all of it yet
 *  presents the same bytes again with more behind them. Source: nbd-protocol.md section 3.1. */

import { REQUEST_MAGIC } from './constants.ts';

export const COMPACT_REQUEST_BYTES = 28;
const TWO_TO_32 = 0x1_0000_0000;

/** One request's header; made once and filled again and again. */
export class RequestHeader {
  flags = 0;
  command = 0;
  /** The cookie's halves: 64 opaque bits, echoed and never interpreted. */
  cookieHigh = 0;
  cookieLow = 0;
  /** Bytes. Exact below 2^53; above, rounded, but still in order. */
  offset = 0;
  /** Bytes. */
  length = 0;
}

export const DecodeStatus = { INCOMPLETE: 0, REQUEST: 1, BAD_MAGIC: 2 } as const;
export type DecodeStatus = (typeof DecodeStatus)[keyof typeof DecodeStatus];

/** Decodes the header at byte `at` of the window that ends at `end`. Allocates nothing. */
export function decodeRequest(
  view: DataView,
  at: number,
  end: number,
  into: RequestHeader,
): DecodeStatus {
  if (end - at < 4) return DecodeStatus.INCOMPLETE;
  if (view.getUint32(at) !== REQUEST_MAGIC) return DecodeStatus.BAD_MAGIC;
  if (end - at < COMPACT_REQUEST_BYTES) return DecodeStatus.INCOMPLETE;
  into.flags = view.getUint16(at + 4);
  into.command = view.getUint16(at + 6);
  into.cookieHigh = view.getUint32(at + 8);
  into.cookieLow = view.getUint32(at + 12);
  into.offset = view.getUint32(at + 16) * TWO_TO_32 + view.getUint32(at + 20);
  into.length = view.getUint32(at + 24);
  return DecodeStatus.REQUEST;
}

/** Writes `header` at byte `at`. @returns the bytes written. */
export function encodeRequest(view: DataView, at: number, header: RequestHeader): number {
  return encodeRequestAt(view, at, header, BigInt(header.offset));
}

/** As `encodeRequest`, for an `offset` of all 64 bits; the header's own is not looked at. */
export function encodeRequestAt(
  view: DataView,
  at: number,
  header: RequestHeader,
  offset: bigint,
): number {
  view.setUint32(at, REQUEST_MAGIC);
  view.setUint16(at + 4, header.flags);
  view.setUint16(at + 6, header.command);
  view.setUint32(at + 8, header.cookieHigh);
  view.setUint32(at + 12, header.cookieLow);
  view.setBigUint64(at + 16, offset);
  view.setUint32(at + 24, header.length);
  return COMPACT_REQUEST_BYTES;
}
