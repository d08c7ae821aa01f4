/** The slabs of a device and how many of their pages hold data: what is in a slab, the table and the
 *  counts change together here. Knows neither ranges nor other threads. */

import type { SlabAllocator } from '../../pages/allocator.ts';
import { Room } from '../../pages/memory.ts';
import { retire } from '../../pages/pin.ts';
import { PAGES_PER_SLAB, pagesOf, SECTORS_PER_SLAB, type Slab } from '../../pages/slab.ts';
import type { Work } from '../../time/slicer.ts';
import { copyHeld, dropSectors, holdZeroes, markWritten, pagesWithBytes } from './sectors.ts';
import { LEVEL_BYTES, SlabTable } from './slab-table.ts';

/** Some 20 us. */
const SLABS_PER_PIECE = 64;

/** INVARIANTS: a slab in the table has a held page, is not retired and in no other table;
 *  the page counts are the sums over the table and what was detached; each level of the table is charged. */
export class HeldSlabs {
  readonly table: SlabTable;
  heldPages = 0;
  idlePages = 0;
  readonly #allocator: SlabAllocator;
  /** Out of the table, and not given back yet. */
  readonly #detached: (readonly (Slab | undefined)[])[] = [];
  #draining = false;

  constructor(allocator: SlabAllocator, extents: number) {
    this.#allocator = allocator;
    this.table = new SlabTable(extents);
  }

  /** The slab of an extent that has none, or one that somebody reads (PINNED): a fresh one, or a copy in
   *  its place, whose sectors [first, end) the caller writes at once. Undefined: no memory, and nothing
   *  changed. */
  makeWritable(index: number, old: Slab | undefined, first: number, end: number): Slab | undefined {
    if (old === undefined && !this.#admitLevels(index)) return undefined;
    const whole = end - first === SECTORS_PER_SLAB;
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
    // In place of another one it takes nothing more, once nobody reads that.
    if (this.table.get(index) === undefined) {
      if (!this.#allocator.isWithinLimit() || !this.#admitLevels(index)) return false;
    }
    this.replace(index, slab);
    return true;
  }

  /** The sectors [first, end) of extent `index` hold zeros. False: no memory, and nothing changed. */
  zero(index: number, first: number, end: number): boolean {
    let slab = this.table.get(index);
    // Pages of zeros take no memory.
    if (slab === undefined || slab.pins !== 0) slab = this.makeWritable(index, slab, 0, 0);
    if (slab === undefined) return false;
    this.#count(slab, -1);
    holdZeroes(slab, first, end);
    this.#count(slab, 1);
    return true;
  }

  /** They hold nothing any more. False: a copy is needed, and the system has no memory for it. */
  discard(index: number, first: number, end: number): boolean {
    let slab = this.table.get(index);
    if (slab === undefined) return true;
    if (end - first === SECTORS_PER_SLAB) {
      this.#remove(index, slab);
      return true;
    }
    if (slab.pins !== 0) slab = this.rehome(index, slab, false);
    if (slab === undefined) return false;
    this.#count(slab, -1);
    dropSectors(slab, first, end);
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
    if (old === undefined) return;
    this.#count(old, -1);
    retire(old, this.#allocator);
  }

  /** Takes whole leaves of slabs out of the table at once; their memory is given back by `drain`, and
   *  counted until then. What else is in [from, end) stays. */
  detach(from: number, end: number): void {
    const { levels } = this.table;
    for (const leaf of this.table.takeLeaves(from, end)) this.#detached.push(leaf);
    this.#releaseLevels(levels - this.table.levels);
  }

  /** Is there memory of detached slabs, with nobody giving it back? */
  get needsDrain(): boolean {
    return this.#detached.length > 0 && !this.#draining;
  }

  /** Gives back what was detached, also while more is. */
  *drain(): Work {
    this.#draining = true;
    let slabs = 0;
    for (let leaf = this.#detached.pop(); leaf !== undefined; leaf = this.#detached.pop()) {
      for (const slab of leaf) {
        if (slab === undefined) continue;
        this.#count(slab, -1);
        retire(slab, this.#allocator);
        if (++slabs % SLABS_PER_PIECE === 0) yield;
      }
      yield;
    }
    this.#draining = false;
  }

  #remove(index: number, slab: Slab): void {
    this.#releaseLevels(this.table.delete(index));
    this.#count(slab, -1);
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
