/** Reads and writes slabs whose bytes are not all in one piece: they show pages of slabs below, or their own lie
 *  one by one. Source: crash.md section 1. */

import { copyBytes } from '../../pages/copy-bytes.ts';
import { sourceOf } from '../../pages/layers.ts';
import { zeroView } from '../../pages/pin.ts';
import { PAGE_BYTES, RESIDENT, type Slab } from '../../pages/slab.ts';
import type { PageViews } from '../../pages/views.ts';

/** Bytes in a row, all in one memory. */
class Piece {
  source: Slab | undefined = undefined;
  bytes: Uint8Array = zeroView;
  start = 0;
  end = 0;

  /** Those that the slab shows from byte `from` on, up to `end`; at least to the end of the page. */
  find(slab: Slab, from: number, end: number): void {
    this.#findPage(slab, from, end);
    while (from + this.end - this.start < end && this.#grow(slab, from, end));
  }

  #findPage(slab: Slab, from: number, end: number): void {
    const page = Math.trunc(from / PAGE_BYTES);
    const source = sourceOf(slab, page);
    const { scattered } = source;
    const within = from - page * PAGE_BYTES;
    let start = page * PAGE_BYTES;
    this.source = source;
    this.bytes = source.bytes;
    if (scattered !== undefined && ((source.marks[page] ?? 0) & RESIDENT) === 0) {
      this.source = undefined;
      this.bytes = zeroView;
    } else if (scattered !== undefined) {
      this.bytes = scattered.bytesOf(page);
      start = scattered.startOf(page);
    }
    this.start = start + within;
    this.end = start + Math.min(PAGE_BYTES, within + end - from);
  }

  /** Adds the next page if it is the same piece. */
  #grow(slab: Slab, from: number, end: number): boolean {
    const { source, bytes, start, end: before } = this;
    this.#findPage(slab, from + before - start, end);
    const isNext = this.source === source && this.bytes === bytes && this.start === before;
    this.source = source;
    this.bytes = bytes;
    this.start = start;
    if (!isNext) this.end = before;
    return isNext;
  }
}

const piece = new Piece();

/** Reads `count` bytes from byte `at` of the slab on into `target` from `to` on. */
export function readPieces(
  slab: Slab,
  at: number,
  count: number,
  target: Uint8Array,
  to: number,
): void {
  const end = at + count;
  for (let from = at; from < end; from += piece.end - piece.start) {
    piece.find(slab, from, end);
    copyBytes(target, piece.bytes.subarray(piece.start, piece.end), to + from - at);
  }
}

/** Appends the bytes [at, end) of the slab as views. */
export function viewPieces(slab: Slab, at: number, end: number, into: PageViews): void {
  for (let from = at; from < end; from += piece.end - piece.start) {
    piece.find(slab, from, end);
    into.add(piece.source, piece.start, piece.end, piece.bytes);
  }
}

/** Writes `part` to the slab from byte `at` on; all these bytes are its own, and admitted. */
export function writePieces(slab: Slab, at: number, part: Uint8Array): void {
  const end = at + part.length;
  for (let from = at; from < end; from += piece.end - piece.start) {
    piece.find(slab, from, end);
    const { bytes, start, end: upTo } = piece;
    const whole = upTo - start === part.length;
    copyBytes(bytes, whole ? part : part.subarray(from - at, from - at + upTo - start), start);
  }
}
