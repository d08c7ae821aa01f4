/** An allocator that counts, finds slabs given twice, and can fail its n-th take. For tests. */

import { createSlabAllocator, type SlabAllocator } from '../../src/pages/allocator.ts';
import { type DataMemory, Room } from '../../src/pages/memory.ts';
import { PagePlaces } from '../../src/pages/scattered.ts';
import type { Slab } from '../../src/pages/slab.ts';

export class CountingAllocator implements SlabAllocator {
  readonly memory: DataMemory;
  takes = 0;
  /** The take, counted from 1, that finds no memory. */
  failAt = 0;
  /** Slabs taken and not given back, but for those of `cut`. */
  readonly live = new Set<Slab>();
  /** Slabs whose pages are places for those of scattered ones. */
  readonly cut = new Set<Slab>();
  /** All that were ever taken. */
  readonly ever = new Set<Slab>();
  readonly #inner: SlabAllocator;
  readonly #places = new PagePlaces(this);

  constructor(inner: SlabAllocator = createSlabAllocator({ poolSlabs: 4 })) {
    this.#inner = inner;
    this.memory = inner.memory;
  }

  take(room?: Room): Slab | undefined {
    return this.#taken(() => this.#inner.take(room));
  }

  takeFresh(room?: Room): Slab | undefined {
    return this.#taken(() => this.#inner.takeFresh(room));
  }

  takeDirty(room?: Room): Slab | undefined {
    return this.#taken(() => this.#inner.takeDirty(room));
  }

  takeAny(room?: Room): Slab | undefined {
    return this.#taken(() => this.#inner.takeAny(room), this.cut);
  }

  takeScattered(room?: Room): Slab | undefined {
    return this.#taken(() => this.#places.takeSlab(room ?? Room.DATA));
  }

  admit(slab: Slab, pages: number, room?: Room): boolean {
    return this.#inner.admit(slab, pages, room);
  }

  isWithinLimit(): boolean {
    return this.#inner.isWithinLimit();
  }

  give(slab: Slab): void {
    if (!this.live.delete(slab) && !this.cut.delete(slab)) {
      throw new Error('a slab that nobody has taken was given back');
    }
    this.#inner.give(slab);
  }

  /** Those that are charged still: scattered ones are not kept. */
  get charged(): Slab[] {
    return [...this.ever].filter((slab) => slab.scattered === undefined || this.live.has(slab));
  }

  get freeBytes() {
    return this.#inner.freeBytes;
  }

  #taken(take: () => Slab | undefined, into = this.live): Slab | undefined {
    this.takes++;
    if (this.takes === this.failAt) return undefined;
    const slab = take();
    if (slab === undefined) return undefined;
    if (this.live.has(slab) || this.cut.has(slab)) {
      throw new Error('a slab in use was handed out again');
    }
    into.add(slab);
    this.ever.add(slab);
    return slab;
  }
}
