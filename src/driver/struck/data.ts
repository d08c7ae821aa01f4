/** A command's data, which lie in pieces: parts of them, and bytes changed in place. */

import type { Segments } from '../../pages/segments.ts';

/** Appends bytes [start, end) of `from` to `to`, where they lie. */
export function addRange(from: Segments, start: number, end: number, to: Segments): void {
  let offset = 0;
  for (let at = 0; at < from.count; at++) {
    const length = from.length(at);
    const first = Math.max(start - offset, 0);
    const last = Math.min(end - offset, length);
    if (first < last) to.add(from.buffer(at), from.start(at) + first, last - first);
    offset += length;
  }
}

/** @param place of the byte, from the first one. */
export function changeByte(segments: Segments, place: number, to: (byte: number) => number): void {
  let offset = place;
  for (let at = 0; at < segments.count; at++) {
    const length = segments.length(at);
    if (offset < length) {
      const buffer = segments.buffer(at);
      const index = segments.start(at) + offset;
      buffer[index] = to(buffer[index] ?? 0);
      return;
    }
    offset -= length;
  }
}

/** Puts `bytes` in from byte `place` on. */
export function changeBytes(segments: Segments, place: number, bytes: Uint8Array): void {
  for (const [at, byte] of bytes.entries()) changeByte(segments, place + at, () => byte);
}
