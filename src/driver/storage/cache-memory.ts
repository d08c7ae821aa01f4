/** Where the pages of a write cache, and of what was kept of it, lie: places of one page each, cut from slabs,
 *  taken one by one and given back one by one. Knows neither sectors nor which page lies where. */

import type { SlabAllocator } from '../../pages/allocator.ts';
import { PAGE_BYTES, PAGES_PER_SLAB, type Slab } from '../../pages/slab.ts';
import { type Bytes, bug, bytes } from '../../units.ts';

/** INVARIANT: places below `#top` are in use or in `#free`, once; those from it on are neither. */
export class CacheMemory {
  readonly #allocator: SlabAllocator;
  readonly #slabs: Slab[] = [];
  readonly #free: number[] = [];
  #top = 0;
  /** How many holders a place has beyond the first, where it has any. */
  readonly #further = new Map<number, number>();
  /** Places in use. */
  used = 0;

  constructor(allocator: SlabAllocator) {
    this.#allocator = allocator;
  }

  /** All the memory had from the allocator. */
  get bytes(): Bytes {
    return bytes(this.#slabs.length * PAGES_PER_SLAB * PAGE_BYTES);
  }

  /** A place of undefined content, or -1: no memory. */
  take(): number {
    const place = this.#free.pop() ?? this.#takeNew();
    if (place >= 0) this.used++;
    return place;
  }

  /** One holder more has `place`, until it gives it. */
  share(place: number): void {
    this.#further.set(place, (this.#further.get(place) ?? 0) + 1);
  }

  isShared(place: number): boolean {
    return this.#further.size > 0 && this.#further.has(place);
  }

  give(place: number): void {
    if (this.isShared(place)) return this.#giveShared(place);
    this.used--;
    if (this.used > 0) {
      this.#free.push(place);
    } else {
      // The lowest places are used first again, so that the slabs behind them can go.
      this.#free.length = 0;
      this.#top = 0;
    }
  }

  /** The slab in which `place` lies. */
  slabOf(place: number): Slab {
    return this.#slabs[Math.trunc(place / PAGES_PER_SLAB)] ?? bug(`no place ${place} in the cache`);
  }

  /** The first byte of `place` in its slab. */
  offsetOf(place: number): number {
    return (place % PAGES_PER_SLAB) * PAGE_BYTES;
  }

  /** How many slabs hold no place in use, nor one in the free list. */
  get spareSlabs(): number {
    return this.#slabs.length - Math.ceil(this.#top / PAGES_PER_SLAB);
  }

  /** Returns one spare slab. */
  giveSpare(): void {
    if (this.spareSlabs === 0) bug('no slab of the cache is spare');
    const slab = this.#slabs.pop();
    if (slab !== undefined) this.#allocator.give(slab);
  }

  #giveShared(place: number): void {
    const left = (this.#further.get(place) ?? 0) - 1;
    if (left === 0) this.#further.delete(place);
    else this.#further.set(place, left);
  }

  #takeNew(): number {
    if (this.#top === this.#slabs.length * PAGES_PER_SLAB) {
      const slab = this.#allocator.takeDirty();
      if (slab === undefined) return -1;
      this.#slabs.push(slab);
    }
    return this.#top++;
  }
}
