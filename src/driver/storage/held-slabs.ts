/** The slabs of a device and how many of their pages hold data: what is in a slab, the table and the
 *  counts change together here. Knows neither ranges nor other threads. */

import type { SlabAllocator } from '../../pages/allocator.ts';
import { retire } from '../../pages/pin.ts';
import { SECTORS_PER_SLAB, type Slab } from '../../pages/slab.ts';
import { copyHeld, dropSectors, holdZeroes, markWritten } from './sectors.ts';
import { SlabTable } from './slab-table.ts';

/** INVARIANTS: a slab in the table has a held page, is not retired and in no other table;
 *  the page counts are the sums over the table. */
export class HeldSlabs {
  readonly table: SlabTable;
  heldPages = 0;
  idlePages = 0;
  readonly #allocator: SlabAllocator;

  constructor(allocator: SlabAllocator, extents: number) {
    this.#allocator = allocator;
    this.table = new SlabTable(extents);
  }

  /** The slab of an extent that has none, or one that somebody reads (PINNED): a fresh one, or a
   *  copy in its place. @param whole the caller writes all of it, so its content does not matter. */
  makeWritable(index: number, old: Slab | undefined, whole: boolean): Slab | undefined {
    const slab = whole ? this.#allocator.takeDirty() : this.#allocator.take();
    if (slab === undefined) return undefined;
    if (old !== undefined && !whole) copyHeld(old, slab);
    this.replace(index, slab);
    return slab;
  }

  /** The sectors [first, end) of extent `index` hold zeros. False: no memory, and nothing changed. */
  zero(index: number, first: number, end: number): boolean {
    let slab = this.table.get(index);
    if (slab === undefined || slab.pins !== 0) slab = this.makeWritable(index, slab, false);
    if (slab === undefined) return false;
    this.#count(slab, -1);
    holdZeroes(slab, first, end);
    this.#count(slab, 1);
    return true;
  }

  /** They hold nothing any more. False: a copy is needed, and there is no memory for it. */
  discard(index: number, first: number, end: number): boolean {
    let slab = this.table.get(index);
    if (slab === undefined) return true;
    if (end - first === SECTORS_PER_SLAB) {
      this.#remove(index, slab);
      return true;
    }
    if (slab.pins !== 0) slab = this.makeWritable(index, slab, false);
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

  /** `slab` is what the extent has now; who reads the one before keeps it. */
  replace(index: number, slab: Slab): void {
    const old = this.table.get(index);
    this.table.set(index, slab);
    this.#count(slab, 1);
    if (old === undefined) return;
    this.#count(old, -1);
    retire(old, this.#allocator);
  }

  /** Drops all of them. */
  clear(): void {
    const { extents } = this.table;
    for (let i = this.table.next(0, extents); i >= 0; i = this.table.next(i + 1, extents)) {
      const slab = this.table.get(i);
      if (slab !== undefined) retire(slab, this.#allocator);
    }
    this.table.clear();
    this.heldPages = 0;
    this.idlePages = 0;
  }

  #remove(index: number, slab: Slab): void {
    this.table.delete(index);
    this.#count(slab, -1);
    retire(slab, this.#allocator);
  }

  #count(slab: Slab, sign: 1 | -1): void {
    this.heldPages += sign * slab.heldPages;
    this.idlePages += sign * slab.idlePages;
  }
}
