/** Which sectors of one slab hold data: marks, bytes and counts change together here, so that the
 *  slab's invariants ZERO and COUNTS stand after each call. Knows neither tables nor pins.
 *  Sectors are counted from the slab's start. Source: driver.md section 4 (a bit per sector). */

import { Allocation, type Extent } from '../../block/extents.ts';
import { sourceOf } from '../../pages/layers.ts';
import {
  BELOW,
  DATA,
  PAGE_BYTES,
  PAGES_PER_SLAB,
  pageBytes,
  RESIDENT,
  SECTORS_PER_PAGE,
  type Slab,
  setMark,
  ZEROED,
} from '../../pages/slab.ts';
import { SECTOR_BYTES } from '../../units.ts';

const FULL = DATA | RESIDENT;

/** The sectors [first, end) were just written: they hold data. Their pages were admitted before. */
export function markWritten(slab: Slab, first: number, end: number): void {
  const { marks } = slab;
  for (let at = first; at < end; ) {
    const page = Math.trunc(at / SECTORS_PER_PAGE);
    const upTo = Math.min(end, (page + 1) * SECTORS_PER_PAGE);
    const old = marks[page] ?? 0;
    if (old !== FULL) setMark(slab, page, (old & ~ZEROED) | bitsOf(at, upTo));
    at = upTo;
  }
}

/** The sectors [first, end) hold zeros; pages never written stay without memory. */
export function holdZeroes(slab: Slab, first: number, end: number): void {
  const { marks } = slab;
  for (let at = first; at < end; ) {
    const page = Math.trunc(at / SECTORS_PER_PAGE);
    const upTo = Math.min(end, (page + 1) * SECTORS_PER_PAGE);
    const old = marks[page] ?? 0;
    zeroBytes(slab, old, at, upTo);
    // All that was there is overwritten, or there was nothing, or nothing but zeros.
    const all = upTo - at === SECTORS_PER_PAGE || (old & DATA) === 0;
    const zeroed = all && (old & RESIDENT) !== 0 ? ZEROED : 0;
    setMark(slab, page, old | bitsOf(at, upTo) | zeroed);
    at = upTo;
  }
}

/** The sectors [first, end) hold nothing any more. Pages left empty keep their memory (idle). */
export function dropSectors(slab: Slab, first: number, end: number): void {
  const { marks } = slab;
  for (let at = first; at < end; ) {
    const page = Math.trunc(at / SECTORS_PER_PAGE);
    const upTo = Math.min(end, (page + 1) * SECTORS_PER_PAGE);
    const old = marks[page] ?? 0;
    zeroBytes(slab, old, at, upTo);
    const left = old & ~bitsOf(at, upTo);
    setMark(slab, page, (left & DATA) === 0 ? left & ~ZEROED : left);
    at = upTo;
  }
}

/** The run of sectors that are alike from `first` on, up to `end`. */
export function runOf(slab: Slab, first: number, end: number, into: Extent): void {
  const status = statusOf(slab, first);
  let at = first + 1;
  while (at < end) {
    // Most pages are all data: they are passed as one.
    const fullPage = status === Allocation.DATA && at % SECTORS_PER_PAGE === 0;
    if (fullPage && slab.marks[at / SECTORS_PER_PAGE] === FULL) at += SECTORS_PER_PAGE;
    else if (statusOf(slab, at) === status) at++;
    else break;
  }
  into.sectors = Math.min(at, end) - first;
  into.status = status;
}

function statusOf(slab: Slab, sector: number): number {
  const mark = slab.marks[Math.trunc(sector / SECTORS_PER_PAGE)] ?? 0;
  if (((mark >>> (sector % SECTORS_PER_PAGE)) & 1) === 0) return Allocation.HOLE | Allocation.ZERO;
  if ((mark & BELOW) !== 0) return Allocation.DATA;
  // Without memory of its own the page is known to be zeros, too.
  return (mark & (RESIDENT | ZEROED)) === RESIDENT ? Allocation.DATA : Allocation.ZERO;
}

/** The pages whose bytes `copyHeld` copies, one bit each. */
export function pagesWithBytes(slab: Slab): number {
  let pages = 0;
  for (let page = 0; page < PAGES_PER_SLAB; page++) {
    if (hasBytes(slab.marks[page] ?? 0)) pages |= 1 << page;
  }
  return pages;
}

/** Makes `to`, a slab of zeros in one piece with `pagesWithBytes` admitted, hold what `from` holds, whichever slab below has
 *  it; empty pages are not touched. */
export function copyHeld(from: Slab, to: Slab): void {
  for (let page = 0; page < PAGES_PER_SLAB; ) {
    const first = page;
    const source = sourceOf(from, page);
    while (isFrom(from, page, source)) {
      setMark(to, page, ((from.marks[page] ?? 0) & ~BELOW) | RESIDENT);
      page++;
      if (source.scattered !== undefined) break;
    }
    if (page > first) {
      const start = first * PAGE_BYTES;
      const one = source.scattered === undefined ? undefined : pageBytes(source, first);
      to.bytes.set(one ?? source.bytes.subarray(start, page * PAGE_BYTES), start);
    } else {
      // Zeros without memory, or nothing: only the bits are worth copying.
      setMark(to, page, (to.marks[page] ?? 0) | ((from.marks[page] ?? 0) & DATA));
      page++;
    }
  }
}

function isFrom(slab: Slab, page: number, source: Slab): boolean {
  return (
    page < PAGES_PER_SLAB && hasBytes(slab.marks[page] ?? 0) && sourceOf(slab, page) === source
  );
}

function hasBytes(mark: number): boolean {
  return (mark & DATA) !== 0 && (mark & (RESIDENT | BELOW)) !== 0;
}

/** Of one page. What holds no data or has no memory is zero already, and to write there would take memory. */
function zeroBytes(slab: Slab, mark: number, first: number, end: number): void {
  if (!hasBytes(mark) || (mark & ZEROED) !== 0) return;
  const page = Math.trunc(first / SECTORS_PER_PAGE);
  const from = page * SECTORS_PER_PAGE;
  pageBytes(slab, page).fill(0, (first - from) * SECTOR_BYTES, (end - from) * SECTOR_BYTES);
}

/** The bits of the sectors [first, end) of one page. */
export function bitsOf(first: number, end: number): number {
  const low = first % SECTORS_PER_PAGE;
  return ((1 << (end - first)) - 1) << low;
}
