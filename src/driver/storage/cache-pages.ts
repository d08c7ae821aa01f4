/** The pages of a write cache by page number: a sparse map of groups, each page with a place in memory. A fork
 *  has the same pages, each copied when either side changes it. Knows no store and no rule of when a page
 *  comes or goes. Source: driver.md section 4, Cache; crash.md section 1. */

import type { SlabAllocator } from '../../pages/allocator.ts';
import {
  PAGE_BYTES,
  PAGES_PER_SLAB,
  SECTORS_PER_PAGE,
  SECTORS_PER_SLAB,
  SLAB_BYTES,
} from '../../pages/slab.ts';
import type { Work } from '../../time/slicer.ts';
import { type Bytes, bytes, MiB, SECTOR_BYTES } from '../../units.ts';
import { CacheGroup, pagesIn } from './cache-group.ts';
import { CacheMemory } from './cache-memory.ts';
import { Family, type Relative } from './family.ts';
import { bitsOf } from './sectors.ts';
import { EXTENTS_PER_LEAF, LEVEL_BYTES, type Leaf, letGo, SlabTable } from './slab-table.ts';

/** Memory without data that is not worth giving back, since the next writes take it again. */
const SPARE_SLABS_FREE = (16 * MiB) / SLAB_BYTES;
/** Empty groups kept for reuse, so that a cache in use allocates none: 4096 span 512 MiB. */
const SPARE_GROUPS_MAX = 4096;
/** What a group takes of the heap. */
const GROUP_BYTES = 512;

/** Groups emptied, or slabs returned, in some 20 us. */
const STEPS_PER_PIECE = 16;

/** What forks have in common. */
interface Common {
  readonly memory: CacheMemory;
  readonly family: Family;
  readonly table: SlabTable<CacheGroup>;
}

function alone(allocator: SlabAllocator, capacity: Bytes): Common {
  const share = (group: CacheGroup): void => {
    group.holders++;
  };
  const table = new SlabTable<CacheGroup>(Math.ceil(capacity / SLAB_BYTES), share);
  return { memory: new CacheMemory(allocator), family: new Family(), table };
}

/** INVARIANTS: a group in the table holds a page; each page held has a place, of its own but for other holders
 *  of the same content; `used` pages are held. */
export class CachePages implements Relative {
  mayShare = false;
  /** How many pages are held. */
  used = 0;
  readonly #allocator: SlabAllocator;
  readonly #memory: CacheMemory;
  readonly #family: Family;
  readonly #table: SlabTable<CacheGroup>;
  readonly #spare: CacheGroup[] = [];
  /** Out of all tables; their memory is not given back yet. */
  readonly #detached: CacheGroup[][] = [];
  #draining = false;

  constructor(allocator: SlabAllocator, capacity: Bytes, common = alone(allocator, capacity)) {
    this.#allocator = allocator;
    this.#memory = common.memory;
    this.#family = common.family;
    this.#table = common.table;
    this.#family.join(this);
  }

  /** The same pages, in no time; until `end`. */
  fork(): CachePages {
    const common = { memory: this.#memory, family: this.#family, table: this.#table.fork() };
    const other = new CachePages(this.#allocator, bytes(0), common);
    other.used = this.used;
    return other;
  }

  /** Makes room for a device of that size. What lies behind its end is forgotten. */
  fit(capacity: Bytes): void {
    this.#table.grow(Math.ceil(capacity / SLAB_BYTES));
    const end = Math.floor(capacity / SECTOR_BYTES);
    this.forgetRange(end, this.#table.extents * SECTORS_PER_SLAB);
  }

  /** All the memory taken, used or not. */
  get memoryBytes(): Bytes {
    return this.#memory.bytes;
  }

  /** The group of extent `index`, if it holds a page. */
  group(index: number): CacheGroup | undefined {
    return this.#table.get(index);
  }

  /** The first extent in [from, end) of which a page is held, or -1. */
  nextExtent(from: number, end: number): number {
    return this.#table.next(from, end);
  }

  /** The first page number from `from` on that is held, or -1. */
  nextPage(from: number): number {
    const { extents } = this.#table;
    const start = Math.floor(from / PAGES_PER_SLAB);
    for (let i = this.#table.next(start, extents); i >= 0; i = this.#table.next(i + 1, extents)) {
      const held = this.#table.get(i)?.nextHeld(i === start ? from % PAGES_PER_SLAB : 0) ?? -1;
      if (held >= 0) return i * PAGES_PER_SLAB + held;
    }
    return -1;
  }

  /** The group of extent `index`, if it holds a page, for a caller who changes it. */
  ownGroup(index: number): CacheGroup | undefined {
    if (!this.mayShare) return this.#table.get(index);
    const { memory } = this.#allocator;
    const copied = this.#table.own(index);
    if (copied > 0) memory.oweObjects(copied * LEVEL_BYTES);
    const group = this.#table.get(index);
    if (group === undefined || group.holders === 1) return group;
    const own = group.copy();
    for (let page = own.nextHeld(0); page >= 0; page = own.nextHeld(page + 1)) {
      this.#memory.share(own.placeAt(page));
    }
    memory.oweObjects(GROUP_BYTES);
    this.#table.set(index, own);
    return own;
  }

  /** The group in which `page` of extent `index` is held from now on, to be written; the caller gives the page
   *  bits. Undefined: no memory. */
  hold(index: number, page: number): CacheGroup | undefined {
    const group = this.ownGroup(index);
    if (group?.has(page)) return this.#ownPlace(group, page) ? group : undefined;
    const objects = group === undefined ? this.#objectBytes(this.#table.levelsFor(index)) : 0;
    if (objects > 0 && !this.#allocator.memory.chargeObjects(objects)) return undefined;
    const place = this.#memory.take();
    if (place < 0) {
      if (objects > 0) this.#allocator.memory.releaseObjects(objects);
      return undefined;
    }
    const held = group ?? this.#spare.pop() ?? new CacheGroup();
    if (group === undefined) this.#table.set(index, held);
    held.hold(page, place);
    this.used++;
    return held;
  }

  /** No other holder has the page's place from now on. @returns false: there is no memory for a copy. */
  #ownPlace(group: CacheGroup, page: number): boolean {
    const place = group.placeAt(page);
    if (!this.#memory.isShared(place)) return true;
    const own = this.#memory.take();
    if (own < 0) return false;
    const from = this.#memory.offsetOf(place);
    const content = this.#memory.slabOf(place).bytes.subarray(from, from + PAGE_BYTES);
    this.#memory.slabOf(own).bytes.set(content, this.#memory.offsetOf(own));
    group.hold(page, own);
    this.#memory.give(place);
    return true;
  }

  /** The page leaves the cache, and its group, which is owned, when it was the last one there. */
  release(index: number, group: CacheGroup, page: number): void {
    this.#memory.give(group.placeAt(page));
    group.release(page);
    this.used--;
    if (group.held !== 0) return;
    this.#allocator.memory.releaseObjects(this.#objectBytes(this.#table.delete(index)));
    if (this.#spare.length < SPARE_GROUPS_MAX) this.#spare.push(group);
  }

  /** The sectors [first, end) of extent `index` leave the cache. */
  forget(index: number, first: number, end: number): void {
    const group = this.ownGroup(index);
    if (group === undefined) return;
    for (let at = first; at < end; ) {
      const page = Math.trunc(at / SECTORS_PER_PAGE);
      const upTo = Math.min(end, (page + 1) * SECTORS_PER_PAGE);
      if (group.has(page)) {
        const left = group.bitsAt(page) & ~bitsOf(at, upTo);
        group.bits[page] = left;
        if (left === 0) this.release(index, group, page);
      }
      at = upTo;
    }
  }

  /** Is anything of the pages of the sectors [sector, end) held? */
  holdsAny(sector: number, end: number): boolean {
    if (this.used === 0) return false;
    for (let at = sector; at < end; ) {
      const index = Math.floor(at / SECTORS_PER_SLAB);
      const base = index * SECTORS_PER_SLAB;
      const upTo = Math.min(end, base + SECTORS_PER_SLAB);
      if (this.#table.get(index)?.holdsAny(at - base, upTo - base) === true) return true;
      at = upTo;
    }
    return false;
  }

  /** The sectors [sector, end) of the device leave the cache. */
  forgetRange(sector: number, end: number): void {
    if (this.used === 0) return;
    this.#detach(Math.ceil(sector / SECTORS_PER_SLAB), Math.floor(end / SECTORS_PER_SLAB));
    const endIndex = Math.ceil(end / SECTORS_PER_SLAB);
    let index = this.nextExtent(Math.floor(sector / SECTORS_PER_SLAB), endIndex);
    for (; index >= 0; index = this.nextExtent(index + 1, endIndex)) {
      const base = index * SECTORS_PER_SLAB;
      const upTo = Math.min(end - base, SECTORS_PER_SLAB);
      this.forget(index, Math.max(sector - base, 0), upTo);
    }
  }

  /** All that is held of the whole leaves within the extents [from, end) leaves the cache at once; its memory
   *  is given back by `drain`. The rest stays. */
  #detach(from: number, end: number): void {
    const leaves: Leaf<CacheGroup>[] = [];
    let levels = this.#table.takeLeaves(from, end, leaves);
    for (const leaf of leaves) {
      const groups = leaf.entries.filter((group) => group !== undefined);
      for (const { held } of groups) this.used -= pagesIn(held);
      if (!letGo(leaf)) continue;
      levels--;
      this.#detached.push(groups);
    }
    if (levels > 0) this.#allocator.memory.oweObjects(levels * LEVEL_BYTES);
    if (levels < 0) this.#allocator.memory.releaseObjects(-levels * LEVEL_BYTES);
  }

  /** Bytes of pages that nobody else has, in pieces. */
  *ownBytes(): Work<number> {
    let pages = 0;
    let looked = 0;
    const { extents } = this.#table;
    for (let i = this.#table.next(0, extents); i >= 0; i = this.#table.next(i, extents)) {
      if (this.mayShare && !this.#table.isOwned(i)) {
        i = this.#table.endOfLeaf(i);
      } else {
        const group = this.#table.get(i++);
        if (group?.holders === 1) pages += this.#ownPages(group);
      }
      if (++looked % STEPS_PER_PIECE === 0) yield;
    }
    return pages * PAGE_BYTES;
  }

  #ownPages(group: CacheGroup): number {
    let pages = 0;
    for (let page = group.nextHeld(0); page >= 0; page = group.nextHeld(page + 1)) {
      if (!this.#memory.isShared(group.placeAt(page))) pages++;
    }
    return pages;
  }

  /** Is there memory of detached groups, with nobody giving it back? */
  get needsDrain(): boolean {
    return this.#detached.length > 0 && !this.#draining;
  }

  /** Gives back what was detached, also while more is. */
  *drain(): Work {
    this.#draining = true;
    let steps = 0;
    // Nothing is in hand over a pause: who clears the cache meanwhile must find it here.
    for (let groups = this.#detached.at(-1); groups !== undefined; groups = this.#detached.at(-1)) {
      const group = groups.pop();
      if (group === undefined) this.#detached.pop();
      else this.#freeDetached(group);
      if (++steps % STEPS_PER_PIECE === 0) yield;
    }
    this.#draining = false;
  }

  #freeDetached(group: CacheGroup): void {
    if (!letGo(group)) return;
    group.holders = 1;
    for (let page = group.nextHeld(0); page >= 0; page = group.nextHeld(page + 1)) {
      this.#memory.give(group.placeAt(page));
      group.release(page);
    }
    this.#allocator.memory.releaseObjects(GROUP_BYTES);
    if (this.#spare.length < SPARE_GROUPS_MAX) this.#spare.push(group);
  }

  /** The memory in which a page lies, and where in it its sector `sector` (0 .. 7) begins. */
  bytesOf(group: CacheGroup, page: number): Uint8Array {
    return this.#memory.slabOf(group.placeAt(page)).bytes;
  }
  offsetOf(group: CacheGroup, page: number, sector: number): number {
    return this.#memory.offsetOf(group.placeAt(page)) + sector * SECTOR_BYTES;
  }

  /** More memory lies unused than is worth keeping. */
  get needsTrim(): boolean {
    return this.#memory.spareSlabs > SPARE_SLABS_FREE;
  }

  /** Returns up to `budgetSlabs` slabs of unused memory. True: there is more to do. */
  trim(budgetSlabs: number): boolean {
    for (let left = budgetSlabs; left > 0 && this.needsTrim; left--) this.#memory.giveSpare();
    return this.needsTrim;
  }

  /** Nothing is held any more, and all memory is returned that nobody else needs, in pieces. */
  *clear(): Work {
    this.#detach(0, this.#table.extents + EXTENTS_PER_LEAF);
    yield* this.drain();
    for (let steps = 1; this.#memory.spareSlabs > 0; steps++) {
      this.#memory.giveSpare();
      if (steps % STEPS_PER_PIECE === 0) yield;
    }
    this.#spare.length = 0;
  }

  /** The same, and nobody uses it any more. */
  *end(): Work {
    yield* this.clear();
    this.#family.leave(this);
  }

  /** What a group and the levels above it take. */
  #objectBytes(levels: number): number {
    return GROUP_BYTES + levels * LEVEL_BYTES;
  }
}
