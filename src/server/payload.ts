/** A write's long payload, received straight into slabs that are cut like the device's, so that the store may
 *  adopt whole ones. Memory is taken as bytes come, never because a header claims them; a payload that does
 *  not arrive whole is never executed. */

import type { SlabAllocator } from '../pages/allocator.ts';
import { Room } from '../pages/memory.ts';
import { Segments } from '../pages/segments.ts';
import { SLAB_BYTES, type Slab } from '../pages/slab.ts';
import { bug } from '../units.ts';

export class Payload {
  readonly segments = new Segments();
  readonly #allocator: SlabAllocator;
  #slab: Slab | undefined;
  /** Bytes of the current piece: received, and in all. */
  #filled = 0;
  #piece = 0;
  #left = 0;

  constructor(allocator: SlabAllocator) {
    this.#allocator = allocator;
  }

  /** True while bytes are missing. */
  get receiving(): boolean {
    return this.#left > 0;
  }

  /** Bytes that are missing. */
  get left(): number {
    return this.#left;
  }

  /** Begins a payload of `length` bytes for the device's byte `offset`.
   *  @returns false when there is no memory for its first piece. */
  begin(offset: number, length: number): boolean {
    this.#left = length;
    return this.#nextPiece(SLAB_BYTES - (offset % SLAB_BYTES));
  }

  /** Where the next bytes go: never more than the rest of this piece. */
  target(): Uint8Array {
    const slab = this.#slab ?? bug('no payload is being received');
    return slab.bytes.subarray(this.#filled, this.#piece);
  }

  /** `length` bytes were put where `target` said.
   *  @returns false when there is no memory for the rest. */
  received(length: number): boolean {
    this.#filled += length;
    this.#left -= length;
    if (this.#filled < this.#piece) return true;
    const slab = this.#slab ?? bug('no payload is being received');
    this.segments.add(slab.bytes, 0, this.#piece, slab);
    this.#slab = undefined;
    return this.#left === 0 || this.#nextPiece(SLAB_BYTES);
  }

  /** Gives everything back. */
  discard(): void {
    this.#left = 0;
    if (this.#slab !== undefined) this.#allocator.give(this.#slab);
    this.#slab = undefined;
    for (const slab of this.segments.slabs) if (slab !== undefined) this.#allocator.give(slab);
    this.segments.clear();
  }

  #nextPiece(room: number): boolean {
    this.#slab = this.#allocator.takeDirty(Room.PAYLOAD);
    this.#filled = 0;
    this.#piece = Math.min(room, this.#left);
    return this.#slab !== undefined;
  }
}
