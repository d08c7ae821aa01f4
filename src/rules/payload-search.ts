/** Does a payload have some bytes at one of many places? Source: faults.md section 1 (data). */

import { SegmentCursor, type Segments } from '../pages/segments.ts';

const cursor = new SegmentCursor();

/** @param offset of the payload's first byte on the device.
 *  @param every bytes: looked at are the multiples of it on the device. */
export function hasBytes(
  payload: Segments,
  offset: number,
  bytes: Uint8Array,
  every: number,
): boolean {
  const last = payload.bytes - bytes.length;
  const first = Math.ceil(offset / every) * every - offset;
  if (first > last) return false;
  payload.seek(cursor, first);
  for (let at = first; ; at += every) {
    if (isHere(payload, cursor, bytes)) return true;
    if (at + every > last) return false;
    forward(payload, cursor, every);
  }
}

/** Moves the cursor, which stays inside. */
export function forward(payload: Segments, cursor: SegmentCursor, bytes: number): void {
  cursor.offset += bytes;
  for (let length = payload.length(cursor.index); cursor.offset >= length; ) {
    cursor.offset -= length;
    cursor.index++;
    length = payload.length(cursor.index);
  }
}

/** At the cursor, also over the end of a piece. */
export function isHere(payload: Segments, at: SegmentCursor, bytes: Uint8Array): boolean {
  let { index, offset } = at;
  for (const byte of bytes) {
    while (offset === payload.length(index)) {
      index++;
      offset = 0;
    }
    if (payload.buffer(index)[payload.start(index) + offset++] !== byte) return false;
  }
  return true;
}
