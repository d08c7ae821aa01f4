/** What a device shows of a journal's images: from one to the next only what differs is written, and what
 *  somebody else changed. Knows no devices: a target takes bytes. */

import { SECTOR_BYTES } from '../units.ts';
import { lowerBound } from './cells.ts';
import { ZEROS } from './contents.ts';
import { cellPart } from './image-bytes.ts';
import type { Timeline } from './timeline.ts';

/** Where an image goes. Offsets and lengths in bytes, of whole sectors. */
export interface ImageTarget {
  write(offset: number, bytes: Uint8Array): void;
  /** Makes them zeros that take no memory. */
  zero(offset: number, length: number): void;
}

/** Bytes from `start` up to `end`, which is none of them. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export class ShownImage {
  readonly #timeline: Timeline;
  readonly #target: ImageTarget;
  /** The device's end, in whole sectors. */
  readonly #end: number;
  /** Of each cell. */
  readonly #shown: Int32Array;

  /** @param target holds nothing but zeros. */
  constructor(timeline: Timeline, target: ImageTarget) {
    this.#timeline = timeline;
    this.#target = target;
    this.#end = Math.ceil(timeline.log.header.size / SECTOR_BYTES) * SECTOR_BYTES;
    this.#shown = new Int32Array(timeline.cells.place.length).fill(ZEROS);
  }

  /** @param contents of each cell. @param changed where others wrote since the last time. */
  show(contents: Int32Array, changed: Iterable<ByteRange>): void {
    for (const range of changed) this.#forget(range);
    const { place, bytes } = this.#timeline.cells;
    for (let cell = 0; cell < contents.length; cell++) {
      const content = contents[cell] ?? ZEROS;
      if (content === this.#shown[cell]) continue;
      const part = cellPart(this.#timeline, cell, content, this.#end);
      if (content === ZEROS) this.#target.zero((place[cell] ?? 0) * bytes, part.bytes.length);
      else this.#target.write(part.offset, part.bytes);
      this.#shown[cell] = content;
    }
  }

  /** One cell holds something else from now on: it is written whatever it held. */
  put(cell: number, content: number): void {
    const part = cellPart(this.#timeline, cell, content, this.#end);
    this.#target.write(part.offset, part.bytes);
    this.#shown[cell] = content;
  }

  /** Zeros are there. */
  #forget({ start, end }: ByteRange): void {
    const { bytes, place } = this.#timeline.cells;
    const first = Math.floor(start / bytes);
    const last = Math.ceil(end / bytes);
    const from = first * bytes;
    this.#target.zero(from, Math.min(last * bytes, this.#end) - from);
    for (let cell = lowerBound(place, first); (place[cell] ?? last) < last; cell++) {
      this.#shown[cell] = ZEROS;
    }
  }
}
