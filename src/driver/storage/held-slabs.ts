/** The slabs of a device and how many of their pages hold data: what is in a slab, the table and the
 *  counts change together here. A fork has the same slabs, each copied when either side changes it. Knows
 *  neither ranges nor other threads. Source: driver.md section 4; crash.md section 1. */

import type { SlabAllocator } from '../../pages/allocator.ts';
import {
  gather,
  lay,
  mayLie,
  own,
  ownAll,
  ownPages,
  pagesToOwn,
  retire,
  share,
} from '../../pages/layers.ts';
import { Room } from '../../pages/memory.ts';
import {
  isInPieces,
  PAGE_BYTES,
  PAGES_PER_SLAB,
  pagesOf,
  SECTORS_PER_SLAB,
  type Slab,
} from '../../pages/slab.ts';
import type { Work } from '../../time/slicer.ts';
import { Family, type Relative } from './family.ts';
import { copyHeld, dropSectors, holdZeroes, markWritten, pagesWithBytes } from './sectors.ts';
import { EXTENTS_PER_LEAF, LEVEL_BYTES, type Leaf, letGo, SlabTable } from './slab-table.ts';

/** Some 20 us. */
const SLABS_PER_PIECE = 64;
/** 32 KiB: whoever writes so much at once will soon have written all. */
const SECTORS_IN_PIECES_MAX = 64;
/** A slab whose pages were copied takes as long as some of those that are only given back. */
const SLABS_PER_COPY = 32;

/** A leaf out of its table, whose pages are counted still. */
interface Detached {
  readonly leaf: Leaf;
  readonly countedBy: HeldSlabs[];
}

/** INVARIANTS: a slab in the table has a held page, is not retired, and `shares` counts the further tables
 *  that have it, but for those that share the levels above it; the page counts are the sums over the table
 *  and what was detached; each level of the tables is charged once. */
export class HeldSlabs implements Relative {
  readonly table: SlabTable;
  heldPages = 0;
  idlePages = 0;
  mayShare = false;
  /** At least the idle pages that cannot be given back, since others have their slabs as well. */
  sharedIdlePages = 0;
  readonly #allocator: SlabAllocator;
  readonly #family: Family;
  /** Out of the table, and not given back yet. */
  readonly #detached: Detached[] = [];
  /** What its counts have beyond the table: leaves of its own, or of what it came from. */
  readonly #counted = new Set<Detached>();
  #draining = false;

  constructor(
    allocator: SlabAllocator,
    extents: number,
    table = new SlabTable(extents, share),
    family = new Family(),
  ) {
    this.#allocator = allocator;
    this.table = table;
    this.#family = family;
    family.join(this);
  }

  /** The same slabs in tables of their own, in no time; until `clear`. */
  fork(): HeldSlabs {
    const { table } = this;
    const other = new HeldSlabs(this.#allocator, table.extents, table.fork(), this.#family);
    other.heldPages = this.heldPages;
    other.idlePages = this.idlePages;
    other.sharedIdlePages = this.idlePages;
    this.sharedIdlePages = this.idlePages;
    for (const one of this.#counted) {
      one.countedBy.push(other);
      other.#counted.add(one);
    }
    return other;
  }

  /** Has nobody else what the extent has, but who reads it? */
  isOwned(index: number): boolean {
    return (
      !this.mayShare || (this.table.isOwned(index) && (this.table.get(index)?.shares ?? 0) === 0)
    );
  }

  /** The slab of an extent for a caller who writes its sectors [first, end) at once: a fresh one where there is
   *  none, a layer upon one that others have as well, and a copy of one that somebody reads. Undefined: no
   *  memory, and nothing changed. */
  makeWritable(index: number, first: number, end: number): Slab | undefined {
    const old = this.#ownSlab(index);
    if (old !== undefined && old.pins === 0 && this.admit(old, first, end)) {
      if (old.base !== undefined) this.#own(old, first, end);
      if (old.scattered !== undefined && old.base === undefined) gather(old, this.#allocator);
      return old;
    }
    // Another one may have memory already.
    return this.#replaced(index, old, first, end);
  }

  #replaced(index: number, old: Slab | undefined, first: number, end: number): Slab | undefined {
    const whole = end - first === SECTORS_PER_SLAB;
    if (old !== undefined && !whole && old.shares > 0 && mayLie(old)) {
      return this.#layered(index, old, first, end);
    }
    if (old === undefined && !this.#admitLevels(index)) return undefined;
    const slab = whole ? this.#allocator.takeDirty() : this.#allocator.take();
    const kept = old === undefined || whole ? 0 : pagesWithBytes(old);
    if (slab !== undefined && this.#allocator.admit(slab, kept | pagesOf(first, end))) {
      if (old !== undefined && !whole) copyHeld(old, slab);
      this.replace(index, slab);
      return slab;
    }
    if (slab !== undefined) this.#allocator.give(slab);
    if (old === undefined) this.#releaseLevels(this.table.levelsFor(index));
    return undefined;
  }

  /** The extent has a layer upon `old` from now on, in which [first, end) may be written. */
  #layered(
    index: number,
    old: Slab,
    first: number,
    end: number,
    room: Room = Room.DATA,
  ): Slab | undefined {
    const isLittle = end - first < SECTORS_IN_PIECES_MAX;
    const allocator = this.#allocator;
    const slab = isLittle ? allocator.takeScattered(room) : allocator.takeFresh(room);
    if (slab === undefined) return undefined;
    if (!this.#allocator.admit(slab, pagesOf(first, end), room)) {
      this.#allocator.give(slab);
      return undefined;
    }
    lay(slab, old);
    own(slab, first, end, this.#allocator);
    this.replace(index, slab);
    return slab;
  }

  /** As `own`, which needs no memory. */
  #own(slab: Slab, first: number, end: number): void {
    this.#count(slab, -1);
    own(slab, first, end, this.#allocator);
    this.#count(slab, 1);
  }

  /** The same where its pages were not admitted. False: there is no memory, and nothing changed. */
  #admitAndOwn(slab: Slab, first: number, end: number, room: Room): boolean {
    if (slab.base === undefined) return true;
    if (!this.#allocator.admit(slab, pagesToOwn(slab, first, end), room)) return false;
    this.#own(slab, first, end);
    return true;
  }

  /** The extent's slab, a layer, has all that it shows from now on. False: there is no memory. */
  flatten(index: number): boolean {
    const slab = this.table.get(index);
    return slab === undefined || !isInPieces(slab) || ownAll(slab, this.#allocator);
  }

  /** `slab` of the table may be written in [first, end). False: no memory, and nothing changed. */
  admit(slab: Slab, first: number, end: number): boolean {
    if (slab.residentPages === PAGES_PER_SLAB) return true;
    this.#count(slab, -1);
    const admitted = this.#allocator.admit(slab, pagesOf(first, end));
    this.#count(slab, 1);
    return admitted;
  }

  /** A slab full of data from elsewhere takes the place of what the extent has. False: no memory. */
  adopt(index: number, slab: Slab): boolean {
    const old = this.#ownSlab(index);
    // In place of another one it takes nothing more, once nobody reads that.
    if (old === undefined || old.shares > 0) {
      if (!this.#allocator.isWithinLimit()) return false;
      if (old === undefined && !this.#admitLevels(index)) return false;
    }
    this.replace(index, slab);
    return true;
  }

  /** The sectors [first, end) of extent `index` hold zeros. False: no memory, and nothing changed. */
  zero(index: number, first: number, end: number): boolean {
    let slab = this.#ownSlab(index);
    // Pages of zeros take no memory.
    if (slab === undefined || slab.pins !== 0) slab = this.#replaced(index, slab, 0, 0);
    if (slab === undefined || !this.#admitAndOwn(slab, first, end, Room.DATA)) return false;
    this.#count(slab, -1);
    holdZeroes(slab, first, end);
    this.#count(slab, 1);
    return true;
  }

  /** They hold nothing any more. False: a copy is needed, and the system has no memory for it. */
  discard(index: number, first: number, end: number): boolean {
    let slab = this.#ownSlab(index);
    if (slab === undefined) return true;
    if (end - first === SECTORS_PER_SLAB) {
      this.#remove(index, slab);
      return true;
    }
    if (slab.shares > 0 && mayLie(slab)) slab = this.#layered(index, slab, 0, 0, Room.ANY);
    else if (slab.pins !== 0) slab = this.rehome(index, slab, false);
    if (slab === undefined || !this.#admitAndOwn(slab, first, end, Room.ANY)) return false;
    this.#count(slab, -1);
    dropSectors(slab, first, end);
    slab.scattered?.giveIdle();
    this.#count(slab, 1);
    if (slab.heldPages === 0) this.#remove(index, slab);
    return true;
  }

  /** They were just written. */
  mark(slab: Slab, first: number, end: number): void {
    this.#count(slab, -1);
    markWritten(slab, first, end);
    this.#count(slab, 1);
  }

  /** Moves what a slab holds to another one, also beyond the limit: memory is given back for it.
   *  @param fresh to one without idle pages. Undefined: the system has no memory. */
  rehome(index: number, old: Slab, fresh: boolean): Slab | undefined {
    const slab = fresh ? this.#allocator.takeFresh(Room.ANY) : this.#allocator.take(Room.ANY);
    if (slab === undefined) return undefined;
    if (!this.#allocator.admit(slab, pagesWithBytes(old), Room.ANY)) {
      this.#allocator.give(slab);
      return undefined;
    }
    copyHeld(old, slab);
    this.replace(index, slab);
    return slab;
  }

  /** `slab` is what the extent has now; who reads the one before keeps it. */
  replace(index: number, slab: Slab): void {
    const old = this.table.get(index);
    this.table.set(index, slab);
    this.#count(slab, 1);
    if (old !== undefined) this.#leave(old);
  }

  /** Takes whole leaves of slabs out of the table at once; their memory is given back by `drain`, and
   *  counted until then. What else is in [from, end) stays. */
  detach(from: number, end: number): void {
    const leaves: Leaf[] = [];
    const change = this.table.takeLeaves(from, end, leaves);
    for (const leaf of leaves) {
      const one = { leaf, countedBy: [this] };
      this.#detached.push(one);
      this.#counted.add(one);
    }
    if (change > 0) this.#allocator.memory.oweObjects(change * LEVEL_BYTES);
    else this.#releaseLevels(-change);
  }

  /** Is there memory of detached slabs, with nobody giving it back? */
  get needsDrain(): boolean {
    return this.#detached.length > 0 && !this.#draining;
  }

  /** Gives back what was detached, also while more is. */
  *drain(): Work {
    this.#draining = true;
    for (let one = this.#detached.pop(); one !== undefined; one = this.#detached.pop()) {
      yield* this.#giveBack(one);
      for (const counts of one.countedBy) counts.#counted.delete(one);
      yield;
    }
    this.#draining = false;
  }

  /** Bytes of memory that nobody else has, in pieces. */
  *ownBytes(): Work<number> {
    let pages = 0;
    let looked = 0;
    const { table } = this;
    for (let i = table.next(0, table.extents); i >= 0; i = table.next(i, table.extents)) {
      if (this.mayShare && !table.isOwned(i)) {
        i = table.endOfLeaf(i);
      } else {
        const slab = table.get(i++);
        if (slab !== undefined) pages += ownPages(slab);
      }
      if (++looked % SLABS_PER_PIECE === 0) yield;
    }
    return pages * PAGE_BYTES;
  }

  /** Nothing is held any more, in pieces. */
  *clear(): Work {
    this.detach(0, this.table.extents + EXTENTS_PER_LEAF);
    yield* this.drain();
    this.sharedIdlePages = 0;
  }

  /** What it holds is given up, in pieces; nobody uses it any more. */
  *end(): Work {
    yield* this.clear();
    const last = this.#family.leave(this);
    if (last instanceof HeldSlabs) last.sharedIdlePages = 0;
  }

  *#giveBack({ leaf, countedBy }: Detached): Work {
    // Who has no other holder now gets none any more.
    const isOwn = leaf.holders === 1;
    let slabs = 0;
    for (const slab of leaf.entries) {
      if (slab === undefined) continue;
      for (const counts of countedBy) counts.#count(slab, -1);
      slabs += isOwn ? this.#retire(slab) : 1;
      if (slabs < SLABS_PER_PIECE) continue;
      slabs = 0;
      yield;
    }
    if (!letGo(leaf)) return;
    this.#releaseLevels(1);
    if (isOwn) return;
    for (const slab of leaf.entries) {
      if (slab === undefined) continue;
      slabs += this.#retire(slab);
      if (slabs < SLABS_PER_PIECE) continue;
      slabs = 0;
      yield;
    }
  }

  /** @returns as how many slabs it counts. */
  #retire(slab: Slab): number {
    return retire(slab, this.#allocator) ? SLABS_PER_COPY : 1;
  }

  /** The slab of an extent, in levels that no other table has. */
  #ownSlab(index: number): Slab | undefined {
    if (this.mayShare) {
      const copied = this.table.own(index);
      if (copied > 0) this.#allocator.memory.oweObjects(copied * LEVEL_BYTES);
    }
    return this.table.get(index);
  }

  #remove(index: number, slab: Slab): void {
    this.#releaseLevels(this.table.delete(index));
    this.#leave(slab);
  }

  /** `slab` is not in the table any more. */
  #leave(slab: Slab): void {
    this.#count(slab, -1);
    if (slab.shares > 0) {
      this.sharedIdlePages = Math.max(0, this.sharedIdlePages - slab.idlePages);
    }
    retire(slab, this.#allocator);
  }

  #admitLevels(index: number): boolean {
    const levels = this.table.levelsFor(index);
    return levels === 0 || this.#allocator.memory.chargeObjects(levels * LEVEL_BYTES);
  }

  #releaseLevels(levels: number): void {
    if (levels > 0) this.#allocator.memory.releaseObjects(levels * LEVEL_BYTES);
  }

  #count(slab: Slab, sign: 1 | -1): void {
    this.heldPages += sign * slab.heldPages;
    this.idlePages += sign * slab.idlePages;
  }
}
