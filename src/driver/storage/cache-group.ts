/** The cached pages of one slab-sized extent: where each lies, and which of its sectors are there; and
 *  how runs of pages and sectors are found in bits. Knows neither memory nor the table of groups. */

import { ALL_PAGES, DATA, PAGES_PER_SLAB, pagesOf, SECTORS_PER_PAGE } from '../../pages/slab.ts';
import { bug } from '../../units.ts';

/** INVARIANTS: bit p of `held` is set, and places[p] is a place, when bits[p] is not 0; `holders` tables have
 *  it, and it changes only while that is one. */
export class CacheGroup {
  held = 0;
  holders = 1;
  readonly places: number[];
  /** Which sectors of each page are in the cache. */
  readonly bits: Uint8Array;

  constructor(
    places = new Array<number>(PAGES_PER_SLAB).fill(0),
    bits = new Uint8Array(PAGES_PER_SLAB),
  ) {
    this.places = places;
    this.bits = bits;
  }

  /** One holder leaves it, and has this in its place. */
  copy(): CacheGroup {
    const own = new CacheGroup(this.places.slice(), this.bits.slice());
    own.held = this.held;
    this.holders--;
    return own;
  }

  has(page: number): boolean {
    return ((this.held >>> page) & 1) !== 0;
  }

  /** Is anything of the pages of the sectors [first, end) in the cache? */
  holdsAny(first: number, end: number): boolean {
    return (this.held & pagesOf(first, end)) !== 0;
  }

  /** Is a sector of the extent in the cache? */
  holdsSector(sector: number): boolean {
    const page = Math.trunc(sector / SECTORS_PER_PAGE);
    return ((this.bitsAt(page) >>> (sector % SECTORS_PER_PAGE)) & 1) !== 0;
  }

  /** How many sectors from `first` on, up to `end`, are in the cache; negative: are not. */
  runFrom(first: number, end: number): number {
    const held = this.holdsSector(first);
    let at = first + 1;
    while (at < end && this.holdsSector(at) === held) at++;
    return held ? at - first : first - at;
  }

  bitsAt(page: number): number {
    return this.bits[page] ?? 0;
  }

  placeAt(page: number): number {
    return this.places[page] ?? bug(`no page ${page} in a group`);
  }

  /** `page` lies at `place` from now on; the caller gives it bits. */
  hold(page: number, place: number): void {
    this.held |= 1 << page;
    this.places[page] = place;
  }

  release(page: number): void {
    this.bits[page] = 0;
    this.held &= ~(1 << page);
  }

  /** The first page from `from` on that is held, or -1. */
  nextHeld(from: number): number {
    const held = from < PAGES_PER_SLAB ? this.held & (-1 << from) : 0;
    return held === 0 ? -1 : lowestBit(held);
  }
}

/** How many pages are in `held`, one bit each. */
export function pagesIn(held: number): number {
  if (held === ALL_PAGES) return PAGES_PER_SLAB;
  let pages = 0;
  for (let left = held; left !== 0; left &= left - 1) pages++;
  return pages;
}

/** The first sector from `from` on whose bit is set, or SECTORS_PER_PAGE. */
export function nextSet(bits: number, from: number): number {
  const rest = bits & (DATA << from) & DATA;
  return rest === 0 ? SECTORS_PER_PAGE : lowestBit(rest);
}

/** The first sector from `from` on whose bit is clear, or SECTORS_PER_PAGE. */
export function nextClear(bits: number, from: number): number {
  return nextSet(~bits, from);
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
