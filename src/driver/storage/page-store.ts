/** A device's data in memory: sectors to bytes, sparse, in slabs of pages. Knows neither requests
 *  nor block sizes nor caches. Source: driver.md section 4, Pages.
 *
 *  Sectors and lengths are whole sectors within the capacity; anything else is a bug of the caller. */

import { Allocation, type Extent, type Extents } from '../../block/extents.ts';
import type { SlabGuard } from '../../direct/slab-guard.ts';
import type { SlabAllocator } from '../../pages/allocator.ts';
import { copyBytes } from '../../pages/copy-bytes.ts';
import {
  isInPieces,
  markFull,
  PAGE_BYTES,
  SECTORS_PER_SLAB,
  SLAB_BYTES,
  type Slab,
} from '../../pages/slab.ts';
import type { PageViews } from '../../pages/views.ts';
import type { Work } from '../../time/slicer.ts';
import { type Bytes, bug, bytes, MiB, SECTOR_BYTES, type Sector } from '../../units.ts';
import { HeldSlabs } from './held-slabs.ts';
import { readPieces, viewPieces, writePieces } from './pieces.ts';
import { runOf } from './sectors.ts';
import type { SlabTable } from './slab-table.ts';

/** Idle memory (pages that hold nothing in slabs that hold something) that is not worth any work. */
const IDLE_BYTES_FREE = 16 * MiB;
const IDLE_SHARE = 0.05;
/** Slabs shown to other threads in some 20 us. */
const SLABS_PER_PIECE = 64;
/** How many slabs `compact` looks at for each that it may re-home. */
const LOOKS_PER_SLAB = 64;
/** Each so many requests for extents in layers put one of these in one place: who is asked for more often is so
 *  sooner. A copy takes as long as some requests that go from thread to thread. */
const ASKED_MAX = 8;

export class PageStore implements Extents {
  #slabs: HeldSlabs;
  #sectors = 0;
  readonly #idleBytesFree: number;
  /** Undefined: no other thread sees the slabs. */
  #guard: SlabGuard | undefined;
  /** How often threads had to ask for slabs in layers, about. */
  #asked = 0;
  /** Where `compact` goes on looking. */
  #cursor = 0;

  /** @param idleBytesFree how much idle memory is never worth compacting. @param slabs what it begins with,
   *  which are its own from now on. */
  constructor(
    allocator: SlabAllocator,
    capacity: Bytes,
    idleBytesFree = IDLE_BYTES_FREE,
    slabs = new HeldSlabs(allocator, Math.ceil(capacity / SLAB_BYTES)),
  ) {
    this.#idleBytesFree = idleBytesFree;
    this.#slabs = slabs;
    this.resize(capacity);
  }

  /** The device has another size now. Data behind its end are kept, and there again when it grows. */
  resize(capacity: Bytes): void {
    this.#sectors = Math.floor(capacity / SECTOR_BYTES);
    this.#slabs.table.grow(Math.ceil(capacity / SLAB_BYTES));
  }

  /** Other threads are shown each slab that changes from now on, and `publish` shows them all;
   *  undefined: they see none any more. */
  share(guard: SlabGuard | undefined): void {
    this.#guard = guard;
  }

  /** Shows other threads the slabs that are there, as long as they are shared. They are kept out meanwhile.
   *  @param also where others have been before. */
  *publish(also?: HeldSlabs): Work {
    for (const { table } of also === undefined ? [this.#slabs] : [also, this.#slabs]) {
      yield* this.#show(table);
    }
  }

  *#show(table: SlabTable): Work {
    const guard = this.#guard;
    let shown = 0;
    for (let i = table.next(0, table.extents); i >= 0; i = table.next(i + 1, table.extents)) {
      if (guard === undefined || this.#guard !== guard) return;
      guard.lock(i);
      guard.unlock(i, this.#slabs.table.get(i), this.#slabs.isOwned(i));
      if (++shown % SLABS_PER_PIECE === 0) yield;
    }
  }

  /** What it holds now, for somebody who keeps it so: in no time, and without a copy. Other threads must be
   *  kept out until the next `publish`. */
  freeze(): HeldSlabs {
    return this.#slabs.fork();
  }

  /** From now on it holds what `slabs` do, which are its own. As for `freeze`.
   *  @returns what it held, which is the caller's. */
  exchange(slabs: HeldSlabs): HeldSlabs {
    const before = this.#slabs;
    this.#slabs = slabs;
    slabs.table.grow(before.table.extents);
    return before;
  }

  /** Memory that data takes: whole pages. */
  get heldBytes(): Bytes {
    return bytes(this.#slabs.heldPages * PAGE_BYTES);
  }

  /** Memory of pages that hold nothing, in slabs that hold something. */
  get idleBytes(): Bytes {
    return bytes(this.#slabs.idlePages * PAGE_BYTES);
  }

  get slabCount(): number {
    return this.#slabs.table.size;
  }

  /** Reads `length` bytes into `target` from `start` on; what was never written reads as zeros. */
  read(sector: Sector, target: Uint8Array, start: number, length: number): void {
    this.#checkBytes(sector, target, start, length);
    const end = start + length;
    let index = Math.floor(sector / SECTORS_PER_SLAB);
    let at = (sector - index * SECTORS_PER_SLAB) * SECTOR_BYTES;
    for (let to = start; to < end; index++, at = 0) {
      const count = Math.min(end - to, SLAB_BYTES - at);
      const slab = this.#slabs.table.get(index);
      if (slab === undefined) target.fill(0, to, to + count);
      else if (this.#guard !== undefined) this.#readShared(index, slab, at, count, target, to);
      else if (isInPieces(slab)) readPieces(slab, at, count, target, to);
      else target.set(count === SLAB_BYTES ? slab.bytes : slab.bytes.subarray(at, at + count), to);
      to += count;
    }
  }

  /** Writes `length` bytes of `source` from `start` on. False: no memory; of the slab for which
   *  there was none, and of those behind it, nothing changed. */
  write(sector: Sector, source: Uint8Array, start: number, length: number): boolean {
    this.#checkBytes(sector, source, start, length);
    const end = start + length;
    let index = Math.floor(sector / SECTORS_PER_SLAB);
    let at = (sector - index * SECTORS_PER_SLAB) * SECTOR_BYTES;
    for (let from = start; from < end; index++, at = 0) {
      const count = Math.min(end - from, SLAB_BYTES - at);
      this.#guard?.lock(index);
      const slab = this.#writable(index, at / SECTOR_BYTES, (at + count) / SECTOR_BYTES);
      if (slab === undefined) {
        this.#unlock(index);
        return false;
      }
      const whole = count === source.length;
      const part = whole ? source : source.subarray(from, from + count);
      if (slab.scattered !== undefined) writePieces(slab, at, part);
      else if (this.#guard === undefined) slab.bytes.set(part, at);
      else copyBytes(slab.bytes, part, at);
      this.#slabs.mark(slab, at / SECTOR_BYTES, (at + count) / SECTOR_BYTES);
      this.#unlock(index);
      from += count;
    }
    return true;
  }

  /** Appends `length` bytes as views that stay as they are now until `into` is released. */
  view(sector: Sector, length: number, into: PageViews): void {
    this.#check(sector, length / SECTOR_BYTES);
    let index = Math.floor(sector / SECTORS_PER_SLAB);
    let at = (sector - index * SECTORS_PER_SLAB) * SECTOR_BYTES;
    for (let left = length; left > 0; index++, at = 0) {
      const count = Math.min(left, SLAB_BYTES - at);
      this.#guard?.lock(index);
      const slab = this.#slabs.table.get(index);
      if (slab === undefined || !isInPieces(slab)) into.add(slab, at, at + count);
      else viewPieces(slab, at, at + count, into);
      this.#unlock(index);
      left -= count;
    }
  }

  at(sector: number, end: number, into: Extent): void {
    const index = Math.floor(sector / SECTORS_PER_SLAB);
    const base = index * SECTORS_PER_SLAB;
    const slab = this.#slabs.table.get(index);
    if (slab !== undefined) {
      runOf(slab, sector - base, Math.min(end - base, SECTORS_PER_SLAB), into);
      return;
    }
    const next = this.#slabs.table.next(index, Math.ceil(end / SECTORS_PER_SLAB));
    into.sectors = (next < 0 ? end : Math.min(end, next * SECTORS_PER_SLAB)) - sector;
    into.status = Allocation.HOLE | Allocation.ZERO;
  }

  /** A slab filled from end to end becomes the data of the slab-aligned extent at `sector`.
   *  False: no memory; the slab is still the caller's. */
  adopt(sector: Sector, slab: Slab): boolean {
    this.#check(sector, SECTORS_PER_SLAB);
    if (sector % SECTORS_PER_SLAB !== 0) bug(`sector ${sector} is not the start of a slab`);
    if (slab.pins !== 0 || slab.retired) bug('only a slab of the caller alone can be adopted');
    markFull(slab);
    const index = sector / SECTORS_PER_SLAB;
    this.#guard?.lock(index);
    const adopted = this.#slabs.adopt(index, slab);
    this.#unlock(index);
    return adopted;
  }

  /** Makes the sectors hold zeros and keeps (or takes) their memory. False: as for `write`. */
  writeZeroes(sector: Sector, sectors: Sector): boolean {
    this.#check(sector, sectors);
    const end = sector + sectors;
    for (let from: number = sector; from < end; ) {
      const index = Math.floor(from / SECTORS_PER_SLAB);
      const base = index * SECTORS_PER_SLAB;
      const to = Math.min(end, base + SECTORS_PER_SLAB);
      this.#guard?.lock(index);
      const done = this.#slabs.zero(index, from - base, to - base);
      this.#unlock(index);
      if (!done) return false;
      from = to;
    }
    return true;
  }

  /** Makes the sectors hold nothing and returns their memory, that of large ranges by `drain`. False: a slab that somebody reads
   *  could not be copied for want of memory; of it and of those behind it nothing changed. */
  discard(sector: Sector, sectors: Sector): boolean {
    this.#check(sector, sectors);
    const end = sector + sectors;
    const endIndex = Math.ceil(end / SECTORS_PER_SLAB);
    if (this.#guard === undefined) {
      this.#slabs.detach(Math.ceil(sector / SECTORS_PER_SLAB), Math.floor(end / SECTORS_PER_SLAB));
    }
    let index = this.#slabs.table.next(Math.floor(sector / SECTORS_PER_SLAB), endIndex);
    for (; index >= 0; index = this.#slabs.table.next(index + 1, endIndex)) {
      const base = index * SECTORS_PER_SLAB;
      const from = Math.max(sector - base, 0);
      this.#guard?.lock(index);
      const done = this.#slabs.discard(index, from, Math.min(end - base, SECTORS_PER_SLAB));
      this.#unlock(index);
      if (!done) return false;
    }
    return true;
  }

  /** Memory of a large discard is still to be returned: `drain` should be carried out. */
  get needsDrain(): boolean {
    return this.#slabs.needsDrain;
  }

  drain(): Work {
    return this.#slabs.drain();
  }

  /** Drops all data, in pieces; nobody uses them any more. */
  clear(): Work {
    if (this.#guard !== undefined) bug('data that other threads see are dropped');
    return this.#slabs.clear();
  }

  /** Drops all data, in pieces; nobody uses the store any more. */
  end(): Work {
    if (this.#guard !== undefined) bug('data that other threads see are dropped');
    return this.#slabs.end();
  }

  /** More memory lies idle between the data than is worth keeping: `compact` should be called. */
  get needsCompaction(): boolean {
    const { idlePages, sharedIdlePages } = this.#slabs;
    const idle = (idlePages - sharedIdlePages) * PAGE_BYTES;
    return idle > this.#idleBytesFree && idle > this.heldBytes * IDLE_SHARE;
  }

  /** Returns idle memory by moving at most `budgetSlabs` slabs' data to fresh slabs. True: there is
   *  more to do; false also when there is no memory to do it with, so do not loop on anything else. */
  compact(budgetSlabs: number): boolean {
    let budget = budgetSlabs;
    for (let looks = budgetSlabs * LOOKS_PER_SLAB; looks > 0 && budget > 0; looks--) {
      if (!this.needsCompaction) return false;
      const index = this.#nextInRing();
      const slab = this.#slabs.table.get(index);
      // There is always one at or above the average, so each round through the table moves some.
      const { idlePages, sharedIdlePages, table } = this.#slabs;
      const average = (idlePages - sharedIdlePages) / table.size;
      if (slab === undefined || slab.idlePages < average || !this.#slabs.isOwned(index)) continue;
      this.#guard?.lock(index);
      const fresh = this.#slabs.rehome(index, slab, true);
      this.#unlock(index);
      if (fresh === undefined) return false;
      budget--;
    }
    return this.needsCompaction;
  }

  /** The slab of an extent, whose sectors [first, end) may be written. Undefined: no memory. */
  #writable(index: number, first: number, end: number): Slab | undefined {
    const slab = this.#slabs.table.get(index);
    const { mayShare } = this.#slabs;
    const isOwn = slab !== undefined && slab.pins === 0 && !isInPieces(slab) && !mayShare;
    if (isOwn && this.#slabs.admit(slab, first, end)) return slab;
    return this.#slabs.makeWritable(index, first, end);
  }

  #readShared(
    index: number,
    slab: Slab,
    at: number,
    count: number,
    target: Uint8Array,
    to: number,
  ): void {
    this.#guard?.lock(index);
    if (isInPieces(slab)) readPieces(slab, at, count, target, to);
    else copyBytes(target, slab.bytes.subarray(at, at + count), to);
    this.#unlock(index);
  }

  /** Shows other threads, if there are any, what the extent has now. What they ask us for again and again, since
   *  only we can tell where its bytes are, is put in one place. */
  #unlock(index: number): void {
    const guard = this.#guard;
    if (guard === undefined) return;
    const slab = this.#slabs.table.get(index);
    if (slab !== undefined && isInPieces(slab) && ++this.#asked >= ASKED_MAX) {
      this.#asked = 0;
      this.#slabs.flatten(index);
    }
    guard.unlock(index, slab, this.#slabs.isOwned(index));
  }

  #nextInRing(): number {
    const { extents } = this.#slabs.table;
    let index = this.#slabs.table.next(this.#cursor, extents);
    if (index < 0) index = this.#slabs.table.next(0, this.#cursor);
    this.#cursor = index + 1;
    return index;
  }

  #checkBytes(sector: number, buffer: Uint8Array, start: number, length: number): void {
    this.#check(sector, length / SECTOR_BYTES);
    if (start < 0 || start + length > buffer.length) {
      bug(`bytes ${start}..${start + length} of a buffer of ${buffer.length}`);
    }
  }

  #check(sector: number, sectors: number): void {
    if (sector < 0 || sector + sectors > this.#sectors || sectors !== Math.floor(sectors)) {
      bug(`sectors ${sector} + ${sectors} of a device of ${this.#sectors}`);
    }
  }
}
