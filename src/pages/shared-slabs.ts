/** Slabs in memory that threads share, in arenas. Shared memory is given back only whole, and only when the
 *  collector finds that no thread knows it any more. Knows no threads: the code that shows them the slabs
 *  hears of each arena when it is made and when it is dropped. */

import { type Bytes, bug, bytes } from '../units.ts';
import { dirty, forgetData, type ReturningAllocator, zeroResident } from './allocator.ts';
import { DataMemory, orNone, Room } from './memory.ts';
import { PagePlaces } from './scattered.ts';
import { markResident, missingPages, PAGE_BYTES, SLAB_BYTES, Slab } from './slab.ts';

/** 8 MiB: address space until it is touched. A power of two. */
export const SLABS_PER_ARENA = 64;
/** Made growable, although none ever grows: V8 then maps its pages itself. Other buffers come from malloc,
 *  which keeps freed memory once blocks of that size have been freed before. */
const ARENA_BYTES = SLABS_PER_ARENA * SLAB_BYTES;
/** How many free slabs are kept for reuse. */
const KEPT = SLABS_PER_ARENA;

/** Where slab `number` begins in its arena, in bytes. */
export function placeInArena(number: number): number {
  return (number % SLABS_PER_ARENA) * SLAB_BYTES;
}

export interface SharedSlabsHost {
  /** Called before a slab of the arena is handed out. */
  made(arena: number, memory: SharedArrayBuffer): void;
  /** No slab of these arenas will be handed out again. */
  dropped(arenas: readonly number[]): void;
  /** There are arenas to drop: call `returnSome`. */
  later(): void;
  /** Memory is full, and arenas were dropped that count as returned: let the collector find them now. */
  now(): void;
}

interface Arena {
  readonly number: number;
  /** Freed slabs with their memory and old content. */
  readonly used: Slab[];
  /** Slabs that were never touched. */
  readonly bare: Slab[];
}

/** INVARIANT: an arena is in `#withUsed` and in `#withBare` as long as it has such slabs. */
export class SharedSlabs implements ReturningAllocator {
  readonly memory: DataMemory;
  readonly #host: SharedSlabsHost;
  readonly #places = new PagePlaces(this);
  readonly #arenas = new Map<number, Arena>();
  readonly #withUsed = new Set<Arena>();
  readonly #withBare = new Set<Arena>();
  /** Arenas of which no slab is handed out. */
  readonly #idle = new Set<Arena>();
  #free = 0;
  #usedFree = 0;
  #usedFreePages = 0;
  #next = 0;

  constructor(host: SharedSlabsHost, memory = new DataMemory()) {
    this.#host = host;
    this.memory = memory;
  }

  take(room: Room = Room.DATA): Slab | undefined {
    if (!this.memory.useSlab(room)) return undefined;
    const slab = this.#takeUsed();
    if (slab === undefined) return this.#outOf(this.#takeBare(room));
    zeroResident(slab);
    return slab;
  }

  /** A used slab is taken only if there is no other: it takes memory. */
  takeFresh(room: Room = Room.DATA): Slab | undefined {
    if (this.memory.useSlab(room)) {
      const slab = this.#takeBare(room);
      if (slab !== undefined) return slab;
      this.memory.unuseSlab();
    }
    return this.take(room);
  }

  takeDirty(room: Room = Room.DATA): Slab | undefined {
    return dirty(this, room);
  }

  takeAny(room: Room = Room.DATA): Slab | undefined {
    if (!this.memory.useSlab(room)) return undefined;
    return this.#outOf(this.#takeUsed() ?? this.#takeBare(room));
  }

  takeScattered(room: Room = Room.DATA): Slab | undefined {
    return this.#places.takeSlab(room);
  }

  admit(slab: Slab, pages: number, room: Room = Room.DATA): boolean {
    if (slab.scattered !== undefined) return slab.scattered.admit(pages, room);
    const length = missingPages(slab, pages) * PAGE_BYTES;
    if (length === 0) return true;
    if (!this.memory.hasRoom(length, room)) this.#returnIdle();
    if (!this.memory.charge(length, room)) return false;
    markResident(slab, pages);
    return true;
  }

  isWithinLimit(): boolean {
    // Free memory is taken before new memory.
    return this.memory.isWithinLimit(this.#usedFreePages * PAGE_BYTES);
  }

  give(slab: Slab): void {
    if (slab.pins !== 0) bug(`a slab with ${slab.pins} pins was given back`);
    if (slab.scattered !== undefined) return slab.scattered.end();
    const arena = this.#arenas.get(Math.floor(slab.number / SLABS_PER_ARENA));
    if (arena === undefined) bug(`slab ${slab.number} is of no arena`);
    forgetData(slab);
    this.memory.unuseSlab();
    if (slab.idlePages === 0) {
      arena.bare.push(slab);
      this.#withBare.add(arena);
    } else {
      arena.used.push(slab);
      this.#withUsed.add(arena);
      this.#usedFree++;
      this.#usedFreePages += slab.residentPages;
    }
    this.#free++;
    if (freeIn(arena) < SLABS_PER_ARENA) return;
    this.#idle.add(arena);
    if (!this.memory.hasRoom(0)) this.#returnIdle();
    if (this.#free >= KEPT + SLABS_PER_ARENA) this.#host.later();
  }

  /** Drops free arenas beyond the kept ones, all at once: they are only forgotten. Call it when a collection
   *  is about to run, because they count as returned. */
  returnSome(): boolean {
    const dropped: number[] = [];
    for (const arena of this.#idle) {
      if (this.#free < KEPT + SLABS_PER_ARENA) break;
      this.#drop(arena);
      dropped.push(arena.number);
    }
    if (dropped.length > 0) this.#host.dropped(dropped);
    return false;
  }

  /** Those that are kept, too: at the limit somebody needs their memory. */
  #returnIdle(): void {
    const dropped: number[] = [];
    for (const arena of this.#idle) {
      if (arena.used.length === 0) continue;
      this.#drop(arena);
      dropped.push(arena.number);
    }
    if (dropped.length === 0) return;
    this.#host.dropped(dropped);
    this.#host.now();
  }

  get freeBytes(): Bytes {
    return bytes(this.#usedFree * SLAB_BYTES);
  }

  /** @param slab that `useSlab` let pass. */
  #outOf(slab: Slab | undefined): Slab | undefined {
    if (slab === undefined) this.memory.unuseSlab();
    return slab;
  }

  #takeUsed(): Slab | undefined {
    for (const arena of this.#withUsed) {
      const slab = arena.used.pop() ?? bug('an arena without used slabs');
      if (arena.used.length === 0) this.#withUsed.delete(arena);
      this.#usedFree--;
      this.#usedFreePages -= slab.residentPages;
      return this.#taken(arena, slab);
    }
    return undefined;
  }

  #takeBare(room: Room): Slab | undefined {
    if (this.#withBare.size === 0) this.#makeArena(room);
    for (const arena of this.#withBare) {
      const slab = arena.bare.pop() ?? bug('an arena without bare slabs');
      if (arena.bare.length === 0) this.#withBare.delete(arena);
      return this.#taken(arena, slab);
    }
    return undefined;
  }

  #taken(arena: Arena, slab: Slab): Slab {
    this.#idle.delete(arena);
    this.#free--;
    return slab;
  }

  #drop(arena: Arena): void {
    for (const set of [this.#idle, this.#withUsed, this.#withBare]) set.delete(arena);
    this.#arenas.delete(arena.number);
    this.#free -= SLABS_PER_ARENA;
    this.#usedFree -= arena.used.length;
    const pages = arena.used.reduce((sum, slab) => sum + slab.residentPages, 0);
    this.#usedFreePages -= pages;
    this.memory.release(pages * PAGE_BYTES);
    this.memory.releaseSlabs(SLABS_PER_ARENA);
  }

  #makeArena(room: Room): void {
    if (!this.memory.chargeSlabs(SLABS_PER_ARENA, room)) return;
    const options = { maxByteLength: ARENA_BYTES };
    const memory = orNone(() => new SharedArrayBuffer(ARENA_BYTES, options));
    if (memory === undefined) {
      this.memory.releaseSlabs(SLABS_PER_ARENA);
      this.memory.refused();
      return;
    }
    const arena: Arena = { number: this.#next++, used: [], bare: [] };
    // The first one is used first.
    for (let at = SLABS_PER_ARENA - 1; at >= 0; at--) {
      const place = new Uint8Array(memory, at * SLAB_BYTES, SLAB_BYTES);
      arena.bare.push(new Slab(place, arena.number * SLABS_PER_ARENA + at));
    }
    this.#arenas.set(arena.number, arena);
    this.#withBare.add(arena);
    this.#idle.add(arena);
    this.#free += SLABS_PER_ARENA;
    this.#host.made(arena.number, memory);
  }
}

function freeIn({ used, bare }: Arena): number {
  return used.length + bare.length;
}
