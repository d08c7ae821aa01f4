/** The volatile write cache: pages in front of a page store, which a flush or an eviction moves there
 *  and a power cut throws away. Knows neither requests nor bad blocks. Source: driver.md section 4.
 *  Not as null_blk: what is rewritten goes to the cache as well, so a power cut loses all that was not
 *  flushed. Sectors and lengths are whole blocks within the capacity. */

import type { SlabAllocator } from '../../pages/allocator.ts';
import {
  PAGE_BYTES,
  PAGES_PER_SLAB,
  SECTORS_PER_PAGE,
  SECTORS_PER_SLAB,
} from '../../pages/slab.ts';
import type { Work } from '../../time/slicer.ts';
import { type Bytes, bug, bytes, SECTOR_BYTES, type Sector } from '../../units.ts';
import { type CacheGroup, nextClear, nextSet } from './cache-group.ts';
import { CachePages } from './cache-pages.ts';
import type { PageStore } from './page-store.ts';
import { bitsOf } from './sectors.ts';

/** How many pages make room at once. */
const EVICT_PAGES = 16;

export interface WriteCacheOptions {
  readonly capacity: Bytes;
  /** What the cache may hold: it stays one page below. */
  readonly cacheBytes: Bytes;
  readonly blockSectors: number;
}

/** A place of the walk over the pages. */
export interface FlushPoint {
  readonly round: number;
  readonly page: number;
}

/** INVARIANT: fewer than `#pagesMax` pages are held. */
export class WriteCache {
  readonly sizeBytes: Bytes;
  readonly #store: PageStore;
  #pages: CachePages;
  readonly #pagesMax: number;
  readonly #blockSectors: number;
  readonly #sectors: number;
  /** The page that was evicted or flushed last: from it on, itself included since it may be in the
   *  cache again, the next eviction walks upward. */
  #walk = 0;
  /** How often the walk began again at 0. */
  #round = 0;

  constructor(store: PageStore, allocator: SlabAllocator, options: WriteCacheOptions) {
    this.#store = store;
    this.#pages = new CachePages(allocator, options.capacity);
    this.sizeBytes = options.cacheBytes;
    this.#pagesMax = Math.floor(options.cacheBytes / PAGE_BYTES);
    this.#blockSectors = options.blockSectors;
    this.#sectors = Math.floor(options.capacity / SECTOR_BYTES);
  }

  /** What waits for a flush: whole pages. */
  get usedBytes(): Bytes {
    return bytes(this.#pages.used * PAGE_BYTES);
  }

  /** Memory that the cache has taken, used or not. */
  get memoryBytes(): Bytes {
    return this.#pages.memoryBytes;
  }

  /** Writes `length` bytes of `source` from `start` on. False: no memory, here or for what had to
   *  make room; the blocks before that are written. */
  write(sector: Sector, source: Uint8Array, start: number, length: number): boolean {
    return this.#put(sector, sector + length / SECTOR_BYTES, source, start);
  }

  /** Writes zeros. False: as for `write`. */
  writeZeroes(sector: Sector, sectors: Sector): boolean {
    return this.#put(sector, sector + sectors, undefined, 0);
  }

  /** Reads `length` bytes into `target` from `start` on: each block from the cache, else the store. */
  read(sector: Sector, target: Uint8Array, start: number, length: number): void {
    const end = sector + length / SECTOR_BYTES;
    let to = start;
    for (let at: number = sector; at < end; ) {
      const index = Math.floor(at / SECTORS_PER_SLAB);
      const upTo = Math.min(end, (index + 1) * SECTORS_PER_SLAB);
      const group = this.#pages.group(index);
      if (group === undefined) this.#readStore(at, upTo, target, to);
      else this.#readGroup(group, at, upTo, target, to);
      to += (upTo - at) * SECTOR_BYTES;
      at = upTo;
    }
  }

  /** Is anything of the pages of the sectors [sector, end) in the cache? */
  holdsAny(sector: number, end: number): boolean {
    return this.#pages.holdsAny(sector, end);
  }

  /** How many sectors from `sector` on are in the cache, as a positive number, or how many are not, as
   *  a negative one; up to `end` and to the end of one slab's extent, or past all that hold nothing. */
  heldRun(sector: number, end: number): number {
    const index = Math.floor(sector / SECTORS_PER_SLAB);
    const base = index * SECTORS_PER_SLAB;
    const group = this.#pages.group(index);
    if (group === undefined) {
      const next = this.#pages.nextExtent(index, Math.ceil(end / SECTORS_PER_SLAB));
      return sector - (next < 0 ? end : Math.min(end, next * SECTORS_PER_SLAB));
    }
    return group.runFrom(sector - base, Math.min(end - base, SECTORS_PER_SLAB));
  }

  /** The blocks leave the cache; what the store has of them shows again. Of large ranges the memory is given
   *  back by `drain`. */
  forget(sector: Sector, sectors: Sector): void {
    this.#pages.forgetRange(sector, sector + sectors);
  }

  /** The sectors hold nothing any more, here and in the store. False: as for the store's discard. */
  discard(sector: Sector, sectors: Sector): boolean {
    if (!this.#store.discard(sector, sectors)) return false;
    this.forget(sector, sectors);
    return true;
  }

  /** Moves everything to the store. False: it has no memory for a page; the cache keeps that. */
  flush(): boolean {
    return this.flushSome(Number.POSITIVE_INFINITY);
  }

  /** Moves about `pages` pages to the store, going on where the last walk stopped. False: as `flush`. */
  flushSome(pages: number): boolean {
    for (let left = pages; left > 0 && this.#pages.used > 0; ) {
      const used = this.#pages.used;
      if (!this.#evict(EVICT_PAGES)) return false;
      // One that is written again and again is evicted alone where it is the last: count what moved.
      left -= used - this.#pages.used;
    }
    return true;
  }

  /** What is in the cache now is flushed once the walk has come round to here. */
  get flushPoint(): FlushPoint {
    return { round: this.#round, page: this.#walk };
  }

  /** Has the walk come round since `point`? */
  hasFlushed({ round, page }: FlushPoint): boolean {
    const rounds = this.#round - round;
    return this.#pages.used === 0 || rounds > 1 || (rounds === 1 && this.#walk >= page);
  }

  /** Is there memory of a large range that was forgotten, with nobody giving it back? */
  get needsDrain(): boolean {
    return this.#pages.needsDrain;
  }

  /** Gives it back, in pieces. */
  drain(): Work {
    return this.#pages.drain();
  }

  /** The power is cut: all that was not flushed is lost, and all memory returned, in pieces. */
  *drop(): Work {
    yield* this.#pages.clear();
    this.#walk = 0;
  }

  /** The same, and nobody uses the cache any more. */
  end(): Work {
    return this.#pages.end();
  }

  /** What it holds now, for somebody who keeps it so: in no time, and without a copy. */
  freeze(): CachePages {
    return this.#pages.fork();
  }

  /** From now on it holds what `pages` do, which are its own. @returns what it held, which is the caller's. */
  exchange(pages: CachePages): CachePages {
    const before = this.#pages;
    this.#pages = pages;
    pages.fit(bytes(this.#sectors * SECTOR_BYTES));
    this.#walk = 0;
    this.#round++;
    return before;
  }

  /** More memory lies unused than is worth keeping: `trim` should be called. */
  get needsTrim(): boolean {
    return this.#pages.needsTrim;
  }

  /** Returns up to `budgetSlabs` slabs of unused memory. True: there is more to do. */
  trim(budgetSlabs: number): boolean {
    return this.#pages.trim(budgetSlabs);
  }

  #put(sector: Sector, end: number, source: Uint8Array | undefined, start: number): boolean {
    if (sector < 0 || end > this.#sectors) bug(`sectors ${sector}..${end} of ${this.#sectors}`);
    let from = start;
    for (let at: number = sector; at < end; ) {
      if (this.#isFull && !this.#evict(EVICT_PAGES)) return false;
      const index = Math.floor(at / SECTORS_PER_SLAB);
      const within = at - index * SECTORS_PER_SLAB;
      const page = Math.trunc(within / SECTORS_PER_PAGE);
      const group = this.#pages.hold(index, page);
      if (group === undefined) return false;
      const low = within % SECTORS_PER_PAGE;
      // Room is made before each block: if this page was the last one, the next block needs some.
      const unit = this.#isFull ? this.#blockSectors : SECTORS_PER_PAGE - low;
      const sectors = Math.min(unit, end - at);
      const target = this.#pages.bytesOf(group, page);
      const to = this.#pages.offsetOf(group, page, low);
      const length = sectors * SECTOR_BYTES;
      if (source === undefined) target.fill(0, to, to + length);
      else if (length === source.length) target.set(source, to);
      else target.set(source.subarray(from, from + length), to);
      group.bits[page] = group.bitsAt(page) | bitsOf(within, within + sectors);
      from += length;
      at += sectors;
    }
    return true;
  }

  /** Would one page more reach the size? */
  get #isFull(): boolean {
    return this.#pages.used + 1 >= this.#pagesMax;
  }

  /** Moves up to `pages` pages to the store, walking upward; from the start if none is above. */
  #evict(pages: number): boolean {
    let page = this.#pages.nextPage(this.#walk);
    if (page < 0) {
      page = this.#pages.nextPage(0);
      this.#round++;
    }
    for (let left = pages; page >= 0; page = this.#pages.nextPage(page + 1)) {
      const index = Math.floor(page / PAGES_PER_SLAB);
      const within = page % PAGES_PER_SLAB;
      const group = this.#pages.ownGroup(index) ?? bug(`page ${page} is not in the cache`);
      this.#walk = page;
      if (!this.#writeBack(group, within, page * SECTORS_PER_PAGE)) return false;
      this.#pages.release(index, group, within);
      if (--left === 0) break;
    }
    return true;
  }

  /** Copies the blocks that are in the cache to the store. False: no memory there. */
  #writeBack(group: CacheGroup, page: number, sector: number): boolean {
    const source = this.#pages.bytesOf(group, page);
    const bits = group.bitsAt(page);
    for (let first = nextSet(bits, 0); first < SECTORS_PER_PAGE; ) {
      const end = nextClear(bits, first);
      const start = this.#pages.offsetOf(group, page, first);
      const to = (sector + first) as Sector; // within the device, as the page is
      if (!this.#store.write(to, source, start, (end - first) * SECTOR_BYTES)) return false;
      first = nextSet(bits, end);
    }
    return true;
  }

  /** Reads the sectors [first, end), all in the group's extent. */
  #readGroup(
    group: CacheGroup,
    first: number,
    end: number,
    target: Uint8Array,
    start: number,
  ): void {
    /** From here on nothing was read yet: pages that only the store has are read in one piece. */
    let unread = first;
    for (let at = first; at < end; ) {
      const low = at % SECTORS_PER_PAGE;
      const upTo = Math.min(end, at - low + SECTORS_PER_PAGE);
      const page = ((at - low) / SECTORS_PER_PAGE) % PAGES_PER_SLAB;
      const wanted = bitsOf(at, upTo);
      const cached = group.bitsAt(page) & wanted;
      if (cached !== 0) {
        const fromStore = cached === wanted ? at : upTo;
        this.#readStore(unread, fromStore, target, start + (unread - first) * SECTOR_BYTES);
        this.#copyOut(group, page, cached, target, start + (at - low - first) * SECTOR_BYTES);
        unread = upTo;
      }
      at = upTo;
    }
    this.#readStore(unread, end, target, start + (unread - first) * SECTOR_BYTES);
  }

  /** Copies the sectors `cached` of a page, whose first sector would go to `start`. */
  #copyOut(
    group: CacheGroup,
    page: number,
    cached: number,
    target: Uint8Array,
    start: number,
  ): void {
    const source = this.#pages.bytesOf(group, page);
    for (let first = nextSet(cached, 0); first < SECTORS_PER_PAGE; ) {
      const end = nextClear(cached, first);
      const from = this.#pages.offsetOf(group, page, first);
      const piece = source.subarray(from, from + (end - first) * SECTOR_BYTES);
      target.set(piece, start + first * SECTOR_BYTES);
      first = nextSet(cached, end);
    }
  }

  #readStore(first: number, end: number, target: Uint8Array, to: number): void {
    const sector = first as Sector; // within the request
    if (end > first) this.#store.read(sector, target, to, (end - first) * SECTOR_BYTES);
  }
}
