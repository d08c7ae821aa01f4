/** A command's data, which lie in pieces: parts of them, and bytes changed where they lie. */

import { SegmentCursor, type Segments } from '../../pages/segments.ts';

/** Appends bytes [start, end) of `from` to `to`, where they lie. */
export function addRange(from: Segments, start: number, end: number, to: Segments): void {
  let offset = 0;
  for (let at = 0; at < from.count && offset < end; at++) {
    const length = from.length(at);
    const first = Math.max(start - offset, 0);
    const last = Math.min(end - offset, length);
    if (first < last) to.add(from.buffer(at), from.start(at) + first, last - first);
    offset += length;
  }
}

/** Changes bytes [start, end), one by one in order. */
export function changeBytes(
  segments: Segments,
  start: number,
  end: number,
  to: (byte: number) => number,
): void {
  const cursor = new SegmentCursor();
  segments.seek(cursor, start);
  for (let left = end - start; left > 0; cursor.index++, cursor.offset = 0) {
    const buffer = segments.buffer(cursor.index);
    const first = segments.start(cursor.index) + cursor.offset;
    const length = Math.min(left, segments.length(cursor.index) - cursor.offset);
    for (let at = first; at < first + length; at++) buffer[at] = to(buffer[at] ?? 0);
    left -= length;
  }
}
