/** A slab: the memory behind one contiguous, aligned extent of a device's address space, cut into
 *  pages. Not a table of slabs and no owner of them: see allocator.ts and the driver's page store.
 *  Source: driver.md section 4, Pages; docs/architecture.md, Memory. */

import { bug, KiB, SECTOR_BYTES } from '../units.ts';
import type { Room } from './memory.ts';

export const PAGE_BYTES = 4 * KiB;
/** One memcpy or one view serves an extent; a write under a view copies one extent. 128 KiB balances both. */
export const SLAB_BYTES = 128 * KiB;
export const PAGES_PER_SLAB = SLAB_BYTES / PAGE_BYTES;
export const SECTORS_PER_PAGE = PAGE_BYTES / SECTOR_BYTES;
export const SECTORS_PER_SLAB = SLAB_BYTES / SECTOR_BYTES;

/** Low eight bits of a page's mark: which of its sectors hold data. */
export const DATA = 0xff;
/** The page has been written since the system gave it, so it takes memory. Without this mark a page
 *  is known to be zero and to take none. */
export const RESIDENT = 0x100;
/** Although it takes memory, the page holds only zeros: nothing was written since it was zeroed. Only beside
 *  RESIDENT and DATA bits. */
export const ZEROED = 0x200;
/** The page's bytes are those of the slab below (layers.ts), and its own mean nothing. Beside DATA bits. */
export const BELOW = 0x400;

/** All pages of a slab, one bit each. */
export const ALL_PAGES = -1;

/** The pages that the sectors [first, end) of a slab touch, one bit each. */
export function pagesOf(first: number, end: number): number {
  const low = Math.trunc(first / SECTORS_PER_PAGE);
  const count = Math.ceil(end / SECTORS_PER_PAGE) - low;
  return count === PAGES_PER_SLAB ? ALL_PAGES : ((1 << count) - 1) << low;
}

/** The memory of a slab whose pages lie one by one among those of others: scattered.ts. Only RESIDENT pages have
 *  some. */
export interface Scattered {
  slab: Slab;
  /** The memory in which the page lies, until anything is given back. */
  bytesOf(page: number): Uint8Array;
  /** Its first byte there. */
  startOf(page: number): number;
  /** As an allocator's. */
  admit(pages: number, room: Room): boolean;
  /** Gives back pages that hold nothing; nobody reads the slab. */
  giveIdle(): void;
  /** Gives back all. */
  end(): void;
}

/** INVARIANTS
 *  ZERO: a sector whose DATA bit is clear is zero bytes, so that reads are plain copies.
 *  ZEROED: so is every sector of a page with that mark; who writes data there takes it away.
 *  PINNED: while `pins` > 0 somebody reads the bytes: they do not change, nor does the slab get
 *  another use. A writer copies it first.
 *  SHARED: `shares` + 1 holders have it, tables and slabs that lie upon it, each of the further ones by a pin.
 *  LAYERED: there is a `base` while `pagesBelow` pages are marked BELOW; it has this one in `layers`, and its
 *  content does not change.
 *  COUNTS: `heldPages` pages have a DATA bit; `idlePages` are RESIDENT without one; `residentPages` are
 *  RESIDENT and charged. Only an allocator makes pages resident. */
export class Slab {
  /** The whole slab. Alone in a resizable buffer, the only kind whose memory Node gives back at once;
   *  where threads share it, in an arena. */
  bytes: Uint8Array;
  /** The number by which threads know this memory; -1: they do not share it. */
  number: number;
  /** Undefined: its pages lie one behind the other in `bytes`. Otherwise that has no length. */
  scattered: Scattered | undefined = undefined;
  /** One mark per page: DATA bits, RESIDENT and ZEROED. */
  readonly marks: Uint16Array = new Uint16Array(PAGES_PER_SLAB);
  heldPages = 0;
  idlePages = 0;
  residentPages = 0;
  pins = 0;
  shares = 0;
  /** Which has the bytes of the pages marked BELOW. */
  base: Slab | undefined = undefined;
  pagesBelow = 0;
  /** Those whose base it is. Undefined: there never was one. */
  layers: Slab[] | undefined = undefined;
  /** No longer in any table: goes to the allocator with its last pin. */
  retired = false;

  /** @throws RangeError when the system has no memory (or no address space) left. */
  constructor(bytes = memoryOfItsOwn(), number = -1) {
    this.bytes = bytes;
    this.number = number;
  }
}

/** A fixed length: the view is out of bounds while the buffer is shrunk, and whole again after. */
function memoryOfItsOwn(): Uint8Array {
  const buffer = new ArrayBuffer(SLAB_BYTES, { maxByteLength: SLAB_BYTES });
  return new Uint8Array(buffer, 0, SLAB_BYTES);
}

/** Is not all that it shows in `bytes`? Then read it by layers.ts. */
export function isInPieces(slab: Slab): boolean {
  return slab.base !== undefined || slab.scattered !== undefined;
}

/** The bytes of a RESIDENT page. */
export function pageBytes(slab: Slab, page: number): Uint8Array {
  const { scattered } = slab;
  const start = scattered === undefined ? page * PAGE_BYTES : scattered.startOf(page);
  return (scattered?.bytesOf(page) ?? slab.bytes).subarray(start, start + PAGE_BYTES);
}

/** From now on the slab's whole extent holds data: a receiver filled it from end to end. */
export function markFull(slab: Slab): void {
  if (slab.residentPages < PAGES_PER_SLAB) bug('a slab was filled that was not taken dirty');
  slab.marks.fill(DATA | RESIDENT);
  slab.heldPages = PAGES_PER_SLAB;
  slab.idlePages = 0;
}

/** Changes the mark of a page, and the counts with it. */
export function setMark(slab: Slab, page: number, mark: number): void {
  const old = slab.marks[page] ?? 0;
  slab.heldPages += held(mark) - held(old);
  slab.idlePages += idle(mark) - idle(old);
  slab.marks[page] = mark;
}

function held(mark: number): number {
  return (mark & DATA) !== 0 ? 1 : 0;
}

function idle(mark: number): number {
  return mark === RESIDENT ? 1 : 0;
}

/** How many of `pages` (one bit each) take no memory yet. */
export function missingPages(slab: Slab, pages: number): number {
  if (slab.residentPages === PAGES_PER_SLAB) return 0;
  let missing = 0;
  for (let page = 0; page < PAGES_PER_SLAB; page++) {
    if (((pages >>> page) & 1) !== 0 && ((slab.marks[page] ?? 0) & RESIDENT) === 0) missing++;
  }
  return missing;
}

/** From now on `pages` take memory, which was charged. */
export function markResident(slab: Slab, pages: number): void {
  const { marks } = slab;
  for (let page = 0; page < PAGES_PER_SLAB; page++) {
    const mark = marks[page] ?? 0;
    if (((pages >>> page) & 1) === 0 || (mark & RESIDENT) !== 0) continue;
    marks[page] = mark | RESIDENT;
    slab.residentPages++;
    if ((mark & DATA) === 0) slab.idlePages++;
  }
}
