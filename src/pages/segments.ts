/** A request's data: a sequence of pieces of memory, never one buffer glued together.
 *  Each piece is whole sectors. A list object is made once with its bio and used again and again. */

import { bug } from '../units.ts';
import type { Slab } from './slab.ts';

/** The position of an iteration over segments: which piece, and how far into it. */
export class SegmentCursor {
  index = 0;
  offset = 0;
}

export class Segments {
  readonly buffers: Uint8Array[] = [];
  readonly starts: number[] = [];
  readonly lengths: number[] = [];
  /** The slab that a piece fills from its first byte to its last, if it is ours to give away. */
  readonly slabs: (Slab | undefined)[] = [];
  count = 0;
  bytes = 0;

  /** Appends `length` bytes of `buffer` from `start`. `slab` says that the piece owns it. */
  add(buffer: Uint8Array, start: number, length: number, slab?: Slab): void {
    const at = this.count++;
    this.buffers[at] = buffer;
    this.starts[at] = start;
    this.lengths[at] = length;
    this.slabs[at] = slab;
    this.bytes += length;
  }

  clear(): void {
    for (let at = 0; at < this.count; at++) this.slabs[at] = undefined;
    this.count = 0;
    this.bytes = 0;
  }

  buffer(at: number): Uint8Array {
    return this.buffers[at] ?? bug(`no segment ${at}`);
  }

  start(at: number): number {
    return this.starts[at] ?? bug(`no segment ${at}`);
  }

  length(at: number): number {
    return this.lengths[at] ?? bug(`no segment ${at}`);
  }

  /** Puts `cursor` on byte `offset` of the whole. */
  seek(cursor: SegmentCursor, offset: number): void {
    let index = 0;
    let left = offset;
    while (index < this.count && left >= this.length(index)) {
      left -= this.length(index);
      index++;
    }
    cursor.index = index;
    cursor.offset = left;
  }
}
