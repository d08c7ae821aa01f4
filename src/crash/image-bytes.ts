/** The bytes of an image, cell by cell, made when they are asked for. */

import { ZEROS } from './contents.ts';
import { RANDOM, type Timeline } from './timeline.ts';

export interface ImagePart {
  /** In bytes. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** All that is not zero, in order. @param contents of each cell. */
export function* imageParts(timeline: Timeline, contents: Int32Array): Generator<ImagePart, void> {
  for (const [cell, content] of contents.entries()) {
    if (content !== ZEROS) yield cellPart(timeline, cell, content);
  }
}

/** What `content` means in `cell`. @param end bytes of the device: what lies behind is left out. */
export function cellPart(
  { cells, log }: Timeline,
  cell: number,
  content: number,
  end = log.header.size,
): ImagePart {
  const place = cells.place[cell] ?? 0;
  const offset = place * cells.bytes;
  const bytes =
    content === RANDOM
      ? randomBytes(cells.bytes, log.header.seed, place)
      : cells.contents.bytesOf(content);
  // The last block may reach beyond the device's end.
  return { offset, bytes: bytes.subarray(0, Math.max(end - offset, 0)) };
}

/** The same for the same place of the same device: xorshift, begun with a hash (FNV-1a) of both as text. */
function randomBytes(length: number, seed: number | string, place: number): Uint8Array {
  const words = new Int32Array(length / 4);
  let state = 0x811c9dc5;
  for (const letter of `${seed}:${place}`) {
    state = Math.imul(state ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  }
  for (let at = 0; at < words.length; at++) {
    if (state === 0) state = 0x6d2b79f5;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  return new Uint8Array(words.buffer);
}
