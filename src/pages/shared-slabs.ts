/** Slabs in memory that threads share. Shared memory cannot be given back to the system in parts, nor
 *  when the collector likes: what is freed is used again, by any device. Knows no threads: whoever wants
 *  to see the slabs hears of each arena when it is made. */

import { type Bytes, bug, bytes } from '../units.ts';
import { forgetData, type ReturningAllocator, zeroResident } from './allocator.ts';
import { PAGES_PER_SLAB, RESIDENT, SLAB_BYTES, Slab } from './slab.ts';

/** 8 MiB: address space until it is touched. A power of two. */
export const SLABS_PER_ARENA = 64;

/** Where slab `number` begins in its arena, in bytes. */
export function placeInArena(number: number): number {
  return (number % SLABS_PER_ARENA) * SLAB_BYTES;
}

export class SharedSlabs implements ReturningAllocator {
  /** Freed slabs with their memory and old content. */
  readonly #pool: Slab[] = [];
  /** Slabs that were never touched. */
  readonly #bare: Slab[] = [];
  readonly #made: (arena: number, memory: SharedArrayBuffer) => void;
  #arenas = 0;

  /** @param made hears of each arena before a slab of it is handed out. */
  constructor(made: (arena: number, memory: SharedArrayBuffer) => void) {
    this.#made = made;
  }

  take(): Slab | undefined {
    const slab = this.#pool.pop();
    if (slab === undefined) return this.#takeBare();
    zeroResident(slab);
    return slab;
  }

  /** One that was used before is taken only where there is no other: it takes memory. */
  takeFresh(): Slab | undefined {
    return this.#takeBare() ?? this.take();
  }

  takeDirty(): Slab | undefined {
    const slab = this.#pool.pop() ?? this.#takeBare();
    if (slab === undefined) return undefined;
    // Whoever fills it may stop half way and give it back: every page may then hold something.
    slab.marks.fill(RESIDENT);
    slab.idlePages = PAGES_PER_SLAB;
    return slab;
  }

  give(slab: Slab): void {
    if (slab.pins !== 0) bug(`a slab with ${slab.pins} pins was given back`);
    forgetData(slab);
    if (slab.idlePages === 0) this.#bare.push(slab);
    else this.#pool.push(slab);
  }

  returnSome(): boolean {
    return false;
  }

  get freeBytes(): Bytes {
    return bytes(this.#pool.length * SLAB_BYTES);
  }

  #takeBare(): Slab | undefined {
    if (this.#bare.length === 0) this.#makeArena();
    return this.#bare.pop();
  }

  #makeArena(): void {
    let memory: SharedArrayBuffer;
    try {
      memory = new SharedArrayBuffer(SLABS_PER_ARENA * SLAB_BYTES);
    } catch (error) {
      if (error instanceof RangeError) return;
      throw error;
    }
    const arena = this.#arenas++;
    this.#made(arena, memory);
    // The first is taken first.
    for (let at = SLABS_PER_ARENA - 1; at >= 0; at--) {
      const place = new Uint8Array(memory, at * SLAB_BYTES, SLAB_BYTES);
      this.#bare.push(new Slab(place, arena * SLABS_PER_ARENA + at));
    }
  }
}
