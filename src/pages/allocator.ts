/** Where slabs come from and go to. Knows no devices and no sectors: a slab given here belongs to nobody.
 *  This is the version for one thread; shared-slabs.ts is the one for several.
 *  Source: driver.md section 4, Pages; docs/architecture.md, Memory. */

import { type Bytes, bug, bytes } from '../units.ts';
import { DataMemory, orNone, Room } from './memory.ts';
import { PagePlaces } from './scattered.ts';
import {
  ALL_PAGES,
  markResident,
  missingPages,
  PAGE_BYTES,
  PAGES_PER_SLAB,
  RESIDENT,
  SLAB_BYTES,
  Slab,
} from './slab.ts';

export interface SlabAllocator {
  /** What all data together takes and may take. */
  readonly memory: DataMemory;
  /** A slab of zeros, some of whose pages may take memory already; undefined: no memory. */
  take(room?: Room): Slab | undefined;
  /** A slab of zeros that takes no memory yet, for few pages of data; undefined: no memory. */
  takeFresh(room?: Room): Slab | undefined;
  /** A slab of any content, to be filled whole (`markFull`) or given back; undefined: no memory. */
  takeDirty(room?: Room): Slab | undefined;
  /** A slab of any content, whose pages are admitted before they are used; undefined: no memory. */
  takeAny(room?: Room): Slab | undefined;
  /** A slab of zeros for very few pages, which lie among those of others; undefined: no memory. */
  takeScattered(room?: Room): Slab | undefined;
  /** `pages` of a slab that was taken, one bit each, may be written from now on: they are RESIDENT.
   *  @returns false: there is no memory for them, and nothing changed. */
  admit(slab: Slab, pages: number, room?: Room): boolean;
  /** False: memory is full, even after kept slabs were returned. */
  isWithinLimit(): boolean;
  /** Takes back a slab that has no reader and is in no table. */
  give(slab: Slab): void;
  /** Memory kept for reuse, or on its way back to the system. */
  readonly freeBytes: Bytes;
}

/** An allocator that returns memory to the system on request. */
export interface ReturningAllocator extends SlabAllocator {
  /** Returns the memory of up to `slabs` freed slabs. True: there are more. */
  returnSome(slabs: number): boolean;
}

export interface AllocatorOptions {
  /** Undefined: there is no limit. */
  readonly memory?: DataMemory;
  /** How many freed slabs keep their memory for reuse. */
  readonly poolSlabs?: number;
  /** How many slabs without memory may stay shrunk until they are used again. */
  readonly shrunkSlabs?: number;
  /** Called when there is memory to return by `returnSome`. A slab takes 50 us, so freeing a large device at
   *  once would hold up every client. Undefined: `give` returns it. */
  readonly later?: () => void;
}

/** 2 GiB. V8 counts growing a buffer as memory taken, and each 64 MiB of that start a collection, during
 *  which all clients wait 5 to 15 ms: what stays shrunk starts none. But each shrunk slab may split a mapping
 *  in three, and a process may have only 65530 mappings: shrunk slabs take at most half of them. */
const SHRUNK_SLABS = 16_384;

export function createSlabAllocator(options: AllocatorOptions = {}): ReturningAllocator {
  return new ResizableSlabs(options);
}

class ResizableSlabs implements ReturningAllocator {
  readonly memory: DataMemory;
  readonly #poolSlabs: number;
  /** Freed slabs with their memory and old content. */
  readonly #pool: Slab[] = [];
  /** Freed slabs without memory: address space only. They are kept for reuse, since every gap in
   *  the address space splits a mapping, and a process may have only 65530 of them. */
  readonly #bare: Slab[] = [];
  readonly #shrunkSlabs: number;
  /** How many of the bare slabs are shrunk. */
  #shrunk = 0;

  readonly #later: (() => void) | undefined;
  readonly #places = new PagePlaces(this);

  constructor(options: AllocatorOptions) {
    const { memory = new DataMemory(), poolSlabs = 64, shrunkSlabs = SHRUNK_SLABS } = options;
    this.memory = memory;
    this.#poolSlabs = poolSlabs;
    this.#shrunkSlabs = shrunkSlabs;
    this.#later = options.later;
  }

  take(room: Room = Room.DATA): Slab | undefined {
    if (!this.memory.useSlab(room)) return undefined;
    const slab = this.#pool.pop();
    if (slab === undefined) return this.#taken(this.#bareSlab(room));
    zeroResident(slab);
    return slab;
  }

  takeFresh(room: Room = Room.DATA): Slab | undefined {
    return this.memory.useSlab(room) ? this.#taken(this.#bareSlab(room)) : undefined;
  }

  takeDirty(room: Room = Room.DATA): Slab | undefined {
    return dirty(this, room);
  }

  takeAny(room: Room = Room.DATA): Slab | undefined {
    if (!this.memory.useSlab(room)) return undefined;
    return this.#pool.pop() ?? this.#taken(this.#bareSlab(room));
  }

  takeScattered(room: Room = Room.DATA): Slab | undefined {
    return this.#places.takeSlab(room);
  }

  /** @param slab that `useSlab` let pass. */
  #taken(slab: Slab | undefined): Slab | undefined {
    if (slab === undefined) this.memory.unuseSlab();
    return slab;
  }

  #bareSlab(room: Room): Slab | undefined {
    if (this.#bare.length === 0 && !this.memory.hasRoomForSlab) this.#returnOne();
    const slab = this.#bare.pop();
    if (slab === undefined) return this.#makeSlab(room);
    if (isWhole(slab)) return slab;
    if (resize(slab, SLAB_BYTES)) {
      this.#shrunk--;
      return slab;
    }
    this.memory.refused();
    this.#bare.push(slab);
    return undefined;
  }

  admit(slab: Slab, pages: number, room: Room = Room.DATA): boolean {
    if (slab.scattered !== undefined) return slab.scattered.admit(pages, room);
    const length = missingPages(slab, pages) * PAGE_BYTES;
    if (length === 0) return true;
    this.#makeRoom(length, room);
    if (!this.memory.charge(length, room)) return false;
    markResident(slab, pages);
    return true;
  }

  isWithinLimit(): boolean {
    this.#makeRoom(0, Room.DATA);
    return this.memory.isWithinLimit();
  }

  give(slab: Slab): void {
    if (slab.pins !== 0) bug(`a slab with ${slab.pins} pins was given back`);
    if (slab.scattered !== undefined) return slab.scattered.end();
    forgetData(slab);
    this.memory.unuseSlab();
    if (slab.idlePages === 0) {
      this.#bare.push(slab);
      return;
    }
    this.#pool.push(slab);
    if (!this.memory.hasRoom(0)) this.#returnOne();
    if (this.#pool.length <= this.#poolSlabs) return;
    if (this.#later === undefined) this.returnSome(1);
    else this.#later();
  }

  returnSome(slabs: number): boolean {
    for (let left = slabs; left > 0 && this.#pool.length > this.#poolSlabs; left--) {
      // When the system refuses now, asking again at once would be in vain.
      if (!this.#returnOne()) return false;
    }
    return this.#pool.length > this.#poolSlabs;
  }

  get freeBytes(): Bytes {
    return bytes(this.#pool.length * SLAB_BYTES);
  }

  #makeSlab(room: Room): Slab | undefined {
    if (!this.memory.chargeSlabs(1, room)) return undefined;
    const slab = orNone(() => new Slab());
    if (slab !== undefined) return slab;
    this.memory.releaseSlabs(1);
    this.memory.refused();
    return undefined;
  }

  /** At the limit, slabs kept for reuse are returned. */
  #makeRoom(length: number, room: Room): void {
    while (!this.memory.hasRoom(length, room) && this.#returnOne());
  }

  /** Returns the memory of one freed slab. @returns false: there is none, or the system refuses. */
  #returnOne(): boolean {
    const slab = this.#pool.pop();
    if (slab === undefined) return false;
    const length = slab.residentPages * PAGE_BYTES;
    if (!returnMemory(slab)) {
      this.#pool.push(slab);
      return false;
    }
    this.memory.release(length);
    this.#bare.push(slab);
    // Back to full length at once: it takes no memory, and lets the system merge the mappings.
    if (this.#shrunk < this.#shrunkSlabs || !resize(slab, SLAB_BYTES)) this.#shrunk++;
    return true;
  }
}

/** `takeDirty` by `takeAny`. */
export function dirty(allocator: SlabAllocator, room: Room): Slab | undefined {
  const slab = allocator.takeAny(room);
  if (slab === undefined) return undefined;
  if (allocator.admit(slab, ALL_PAGES, room)) return markDirty(slab);
  allocator.give(slab);
  return undefined;
}

/** The filler may stop half way and give the slab back: then every page may hold something. */
function markDirty(slab: Slab): Slab {
  slab.marks.fill(RESIDENT);
  slab.idlePages = PAGES_PER_SLAB;
  return slab;
}

export function forgetData(slab: Slab): void {
  slab.retired = false;
  slab.pagesBelow = 0;
  slab.heldPages = 0;
  slab.idlePages = 0;
  for (let page = 0; page < PAGES_PER_SLAB; page++) {
    const resident = (slab.marks[page] ?? 0) & RESIDENT;
    slab.marks[page] = resident;
    if (resident !== 0) slab.idlePages++;
  }
}

/** Only resident pages: a write to another page would make it take memory. */
export function zeroResident(slab: Slab): void {
  const { marks, bytes: target } = slab;
  for (let page = 0; page < PAGES_PER_SLAB; ) {
    const first = page;
    while (page < PAGES_PER_SLAB && ((marks[page] ?? 0) & RESIDENT) !== 0) page++;
    if (page > first) target.fill(0, first * PAGE_BYTES, page * PAGE_BYTES);
    else page++;
  }
}

/** False when the system refuses to split a mapping: the slab then keeps its memory. Costs 35-60 us,
 *  and up to 125 us for a slab with few resident pages: V8 zeroes what it shrinks, page by page. */
function returnMemory(slab: Slab): boolean {
  if (!resize(slab, 0)) return false;
  slab.marks.fill(0);
  slab.idlePages = 0;
  slab.residentPages = 0;
  return true;
}

function isWhole(slab: Slab): boolean {
  return slab.bytes.length === SLAB_BYTES;
}

function resize(slab: Slab, length: number): boolean {
  const { buffer } = slab.bytes;
  if (!(buffer instanceof ArrayBuffer)) bug('a slab that threads share cannot shrink');
  const done = orNone(() => {
    buffer.resize(length);
    return true;
  });
  return done === true;
}
