/** Who holds a slab: tables, and slabs that lie upon it. A layer has the pages that were changed since, and
 *  shows the others of the slab below, which keeps its content: so who changes a shared slab copies pages, not
 *  all of it. Knows no tables. Source: crash.md section 1; docs/architecture.md, Memory. */

import { bug } from '../units.ts';
import type { SlabAllocator } from './allocator.ts';
import { Room } from './memory.ts';
import { unpin } from './pin.ts';
import {
  BELOW,
  DATA,
  missingPages,
  PAGE_BYTES,
  PAGES_PER_SLAB,
  pageBytes,
  pagesOf,
  RESIDENT,
  SECTORS_PER_PAGE,
  SLAB_BYTES,
  type Slab,
  setMark,
  ZEROED,
} from './slab.ts';

/** So many slabs may lie below one: a read looks through all of them, and each may keep pages that nobody
 *  sees. */
const SLABS_BELOW_MAX = 3;

/** One holder more has the slab, until it retires it. */
export function share(slab: Slab): void {
  slab.shares++;
  slab.pins++;
}

/** The slab has left a table. Where that was the last holder it goes home now, or with its last pin.
 *  @returns whether pages were copied, since only a layer has it now. */
export function retire(slab: Slab, allocator: SlabAllocator): boolean {
  if (slab.shares > 0) {
    slab.shares--;
    unpin(slab, allocator);
    return mergeUp(slab, allocator);
  }
  if (slab.retired) bug('a slab was retired twice');
  slab.retired = true;
  const merged = leaveBase(slab, allocator);
  if (slab.pins === 0) allocator.give(slab);
  return merged;
}

/** May a layer be put upon it, or are there enough of them? */
export function mayLie(below: Slab): boolean {
  let depth = 1;
  for (let base = below.base; base !== undefined; base = base.base) depth++;
  return depth <= SLABS_BELOW_MAX;
}

/** `over`, a slab of zeros, shows from now on what `below` holds, and holds that. */
export function lay(over: Slab, below: Slab): void {
  for (let page = 0; page < PAGES_PER_SLAB; page++) {
    const mark = below.marks[page] ?? 0;
    const isBelow =
      (mark & BELOW) !== 0 || ((mark & DATA) !== 0 && (mark & (RESIDENT | ZEROED)) === RESIDENT);
    const resident = (over.marks[page] ?? 0) & RESIDENT;
    if (isBelow) over.pagesBelow++;
    // Zeros need no bytes of another one.
    const how = isBelow ? BELOW : resident === 0 ? 0 : ZEROED;
    if ((mark & DATA) !== 0) setMark(over, page, resident | (mark & DATA) | how);
  }
  if (over.pagesBelow === 0) return;
  share(below);
  over.base = below;
  below.layers ??= [];
  below.layers.push(over);
}

/** The slab that has the bytes of a page of `slab`. */
export function sourceOf(slab: Slab, page: number): Slab {
  let source = slab;
  while (((source.marks[page] ?? 0) & BELOW) !== 0) source = source.base ?? bug('nothing is below');
  return source;
}

/** The pages that `own` copies, which must be admitted first: those of which the sectors [first, end) are a part,
 *  one bit each. */
export function pagesToOwn(slab: Slab, first: number, end: number): number {
  if (end <= first) return 0;
  const lowest = Math.ceil(first / SECTORS_PER_PAGE) * SECTORS_PER_PAGE;
  const highest = Math.trunc(end / SECTORS_PER_PAGE) * SECTORS_PER_PAGE;
  let pages = 0;
  if (first < lowest) pages |= pagesOf(first, first + 1);
  if (highest < end) pages |= pagesOf(end - 1, end);
  for (let page = 0; page < PAGES_PER_SLAB; page++) {
    if (((slab.marks[page] ?? 0) & BELOW) === 0) pages &= ~(1 << page);
  }
  return pages;
}

/** The sectors [first, end) are about to be changed: of their pages none is shown from below any more. Whole pages
 *  hold nothing then, of others the rest is copied. */
export function own(slab: Slab, first: number, end: number, allocator: SlabAllocator): void {
  for (let at = first; at < end; ) {
    const page = Math.trunc(at / SECTORS_PER_PAGE);
    const upTo = Math.min(end, (page + 1) * SECTORS_PER_PAGE);
    if (((slab.marks[page] ?? 0) & BELOW) !== 0) {
      if (upTo - at === SECTORS_PER_PAGE) drop(slab, page);
      else copyPages(slab, page, page + 1);
    }
    at = upTo;
  }
  if (slab.pagesBelow === 0) leaveBase(slab, allocator);
}

/** A slab takes all that it shows into memory of its own, in one piece. False: there is none, or it is read now. */
export function ownAll(slab: Slab, allocator: SlabAllocator): boolean {
  if (slab.scattered !== undefined && !gather(slab, allocator)) return false;
  if (!allocator.admit(slab, pagesFrom(slab, undefined))) return false;
  copyPages(slab, 0, PAGES_PER_SLAB);
  leaveBase(slab, allocator);
  return true;
}

/** Scattered pages of a slab lie in one piece from now on. Its content and counts stay.
 *  @returns false: there is no memory for it within the limit, or a reply shows them. */
export function gather(slab: Slab, allocator: SlabAllocator): boolean {
  if (slab.pins > slab.shares) return false;
  const { memory } = allocator;
  // At the limit, what was freed and kept takes no more.
  const home = memory.hasRoom(SLAB_BYTES) ? allocator.takeFresh() : allocator.takeAny();
  if (home === undefined) return false;
  const pages = residentPagesOf(slab);
  const isRoom = memory.hasRoom(missingPages(home, pages) * PAGE_BYTES);
  if (isRoom && mayGather(slab, home) && allocator.admit(home, pages)) {
    for (let page = 0; page < PAGES_PER_SLAB; page++) gatherPage(slab, home, page);
    exchangeMemory(slab, home);
  }
  allocator.give(home);
  return slab.scattered === undefined;
}

/** There must be no idle pages that tables have not counted. */
function mayGather(slab: Slab, home: Slab): boolean {
  if (home.residentPages === 0) return true;
  for (let page = 0; page < PAGES_PER_SLAB; page++) {
    if (slab.marks[page] === 0 && home.marks[page] !== 0) return false;
  }
  return true;
}

function residentPagesOf(slab: Slab): number {
  let pages = 0;
  for (let page = 0; page < PAGES_PER_SLAB; page++) {
    if (((slab.marks[page] ?? 0) & RESIDENT) !== 0) pages |= 1 << page;
  }
  return pages;
}

/** What `slab` has of a page is in the memory of `home`, and their marks are each other's. */
function gatherPage(slab: Slab, home: Slab, page: number): void {
  const mark = slab.marks[page] ?? 0;
  const resident = (home.marks[page] ?? 0) & RESIDENT;
  if ((mark & RESIDENT) !== 0) {
    if ((mark & BELOW) === 0) pageBytes(home, page).set(pageBytes(slab, page));
    slab.marks[page] = mark;
  } else if (resident !== 0) {
    if ((mark & BELOW) === 0) pageBytes(home, page).fill(0);
    slab.marks[page] = mark | RESIDENT | ((mark & BELOW) === 0 ? ZEROED : 0);
  }
  home.marks[page] = mark & RESIDENT;
}

/** Their marks were exchanged. */
function exchangeMemory(a: Slab, b: Slab): void {
  [a.bytes, b.bytes] = [b.bytes, a.bytes];
  [a.number, b.number] = [b.number, a.number];
  [a.scattered, b.scattered] = [b.scattered, a.scattered];
  [a.residentPages, b.residentPages] = [b.residentPages, a.residentPages];
  if (a.scattered !== undefined) a.scattered.slab = a;
  if (b.scattered !== undefined) b.scattered.slab = b;
}

/** How many pages of memory go back when the only holder that is not a layer leaves it. */
export function ownPages(slab: Slab): number {
  let pages = 0;
  for (let one: Slab | undefined = slab; one !== undefined; one = one.base) {
    if (one.shares === 0) {
      pages += one.residentPages;
      continue;
    }
    const { layers = [] } = one;
    // A table, or a layer that was counted, has it; what the others show stays.
    if (one === slab && layers.length === one.shares) pages += unseenPages(one, layers);
    break;
  }
  return pages;
}

function unseenPages(slab: Slab, layers: readonly Slab[]): number {
  let pages = 0;
  for (let page = 0; page < PAGES_PER_SLAB; page++) {
    const mark = slab.marks[page] ?? 0;
    if ((mark & RESIDENT) === 0) continue;
    const isSeen = layers.some((layer) => ((layer.marks[page] ?? 0) & BELOW) !== 0);
    if (!isSeen || (mark & BELOW) !== 0) pages++;
  }
  return pages;
}

/** Where nobody but one layer has the slab, both become one, and the other's memory goes home: less memory for the
 *  same. Without memory for the copies all stays as it is. */
function mergeUp(slab: Slab, allocator: SlabAllocator): boolean {
  const [over, other] = slab.layers ?? [];
  if (over === undefined || other !== undefined || slab.shares > 0) return false;
  const isLittle = over.scattered !== undefined || over.pagesBelow > PAGES_PER_SLAB / 2;
  if (isLittle && takeOver(over, slab, allocator)) {
    over.base = undefined;
    return merged(over, slab, allocator);
  }
  if (!allocator.admit(over, pagesFrom(over, slab), Room.ANY)) return false;
  for (let page = 0; page < PAGES_PER_SLAB; page++) {
    if (isShownFrom(over, page, slab)) copyPages(over, page, page + 1);
  }
  const { base } = slab;
  if (base !== undefined && over.pagesBelow > 0) {
    // The place of the slab that goes.
    over.base = base;
    slab.base = undefined;
    base.layers?.splice(base.layers.indexOf(slab), 1, over);
  } else {
    over.base = undefined;
  }
  return merged(over, slab, allocator);
}

/** Nothing of `slab` is shown any more. */
function merged(over: Slab, slab: Slab, allocator: SlabAllocator): boolean {
  slab.layers = [];
  retire(slab, allocator);
  // Whole pages in one place are read faster.
  if (over.scattered !== undefined && over.base === undefined) gather(over, allocator);
  return true;
}

/** A layer with few pages of its own has them copied down, and the memory below from now on.
 *  @returns false: somebody reads either, or there would be idle pages, which tables have counted. */
function takeOver(over: Slab, below: Slab, allocator: SlabAllocator): boolean {
  const isRead = below.pins > 0 || over.pins > over.shares;
  if (isRead || below.base !== undefined || over.idlePages > 0) return false;
  let pages = 0;
  for (let page = 0; page < PAGES_PER_SLAB; page++) {
    const [mark, under] = [over.marks[page] ?? 0, below.marks[page] ?? 0];
    if ((mark & DATA) === 0 && (under & RESIDENT) !== 0) return false;
    if (hasOwnBytes(mark)) pages |= 1 << page;
  }
  if (!allocator.admit(below, pages, Room.ANY)) return false;
  for (let page = 0; page < PAGES_PER_SLAB; page++) exchangePage(over, below, page);
  exchangeMemory(over, below);
  over.pagesBelow = 0;
  return true;
}

/** What `over` shows of a page is in the memory of `below`, and their marks are each other's. */
function exchangePage(over: Slab, below: Slab, page: number): void {
  const [mark, under] = [over.marks[page] ?? 0, below.marks[page] ?? 0];
  const resident = under & RESIDENT;
  let shown = under;
  if (hasOwnBytes(mark)) {
    pageBytes(below, page).set(pageBytes(over, page));
    shown = mark;
  } else if ((mark & BELOW) === 0) {
    if (resident !== 0) pageBytes(below, page).fill(0);
    shown = (mark & DATA) | resident | (resident === 0 ? 0 : ZEROED);
  }
  over.marks[page] = shown;
  below.marks[page] = mark & RESIDENT;
}

function hasOwnBytes(mark: number): boolean {
  return (mark & DATA) !== 0 && (mark & RESIDENT) !== 0 && (mark & BELOW) === 0;
}

/** It lies upon nothing any more. @returns whether pages were copied. */
function leaveBase(slab: Slab, allocator: SlabAllocator): boolean {
  const { base } = slab;
  if (base === undefined) return false;
  slab.base = undefined;
  slab.pagesBelow = 0;
  base.layers?.splice(base.layers.indexOf(slab), 1);
  return retire(base, allocator);
}

/** The page holds nothing. */
function drop(slab: Slab, page: number): void {
  slab.pagesBelow--;
  setMark(slab, page, (slab.marks[page] ?? 0) & RESIDENT);
}

/** Those of the pages [first, end) that lie below are its own from now on; they were admitted. */
function copyPages(slab: Slab, first: number, end: number): void {
  for (let page = first; page < end; page++) {
    const mark = slab.marks[page] ?? 0;
    if ((mark & BELOW) === 0) continue;
    pageBytes(slab, page).set(pageBytes(sourceOf(slab, page), page));
    slab.pagesBelow--;
    setMark(slab, page, mark & ~BELOW);
  }
}

/** The pages that `slab` shows from below, of `source` alone if there is one; one bit each. */
function pagesFrom(slab: Slab, source: Slab | undefined): number {
  let pages = 0;
  for (let page = 0; page < PAGES_PER_SLAB; page++) {
    const isThere =
      source === undefined
        ? ((slab.marks[page] ?? 0) & BELOW) !== 0
        : isShownFrom(slab, page, source);
    if (isThere) pages |= 1 << page;
  }
  return pages;
}

function isShownFrom(slab: Slab, page: number, source: Slab): boolean {
  return ((slab.marks[page] ?? 0) & BELOW) !== 0 && ((source.marks[page] ?? 0) & BELOW) === 0;
}
