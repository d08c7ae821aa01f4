/** The data of an append, laid out as the device's memory is: the device takes over any number of whole slabs
 *  in less time than copying one. Knows neither zones nor requests. */

import type { SlabAllocator } from '../pages/allocator.ts';
import { SECTORS_PER_SLAB, SLAB_BYTES, type Slab } from '../pages/slab.ts';
import type { Work } from '../time/slicer.ts';
import { bug, SECTOR_BYTES, type Sector } from '../units.ts';

/** Whole sectors. */
export interface DataPiece {
  readonly buffer: Uint8Array;
  /** The slab whose bytes are `buffer`. The owner of the piece gives it back. */
  readonly slab: Slab | undefined;
}

/** Gives back the slabs of pieces that no request has. */
export function giveSlabs(pieces: readonly DataPiece[], allocator: SlabAllocator): void {
  for (const { slab } of pieces) if (slab !== undefined) allocator.give(slab);
}

/** Copies `data` to pieces that end where slabs of the device end; the first begins at `at`.
 *  @returns undefined: there is no memory. */
export function* layOut(
  data: readonly Uint8Array[],
  at: Sector,
  allocator: SlabAllocator,
): Work<DataPiece[] | undefined> {
  const pieces: DataPiece[] = [];
  const source = new Source(data);
  let room = SLAB_BYTES - (at % SECTORS_PER_SLAB) * SECTOR_BYTES;
  for (let left = lengthOf(data); left > 0; room = SLAB_BYTES) {
    const length = Math.min(left, room);
    const slab = length === SLAB_BYTES ? allocator.takeDirty() : undefined;
    if (length === SLAB_BYTES && slab === undefined) {
      giveSlabs(pieces, allocator);
      return undefined;
    }
    const buffer = slab?.bytes ?? new Uint8Array(length);
    source.fill(buffer);
    pieces.push({ buffer, slab });
    left -= length;
    yield;
  }
  return pieces;
}

/** Bytes. */
export function lengthOf(data: readonly Uint8Array[]): number {
  return data.reduce((sum, { length }) => sum + length, 0);
}

/** Reads pieces from the first byte to the last. */
class Source {
  readonly #data: readonly Uint8Array[];
  #index = 0;
  #offset = 0;

  constructor(data: readonly Uint8Array[]) {
    this.#data = data;
  }

  fill(target: Uint8Array): void {
    for (let filled = 0; filled < target.length; ) {
      const piece = this.#data[this.#index] ?? bug('data end before their length');
      const count = Math.min(piece.length - this.#offset, target.length - filled);
      target.set(piece.subarray(this.#offset, this.#offset + count), filled);
      filled += count;
      this.#offset += count;
      if (this.#offset < piece.length) continue;
      this.#index++;
      this.#offset = 0;
    }
  }
}
