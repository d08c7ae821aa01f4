/** A sparse table from the number of a slab-sized extent to what is kept of it (its slab, or its part of
 *  the cache), in three levels of arrays; levels that hold nothing do not exist. A fork shares all levels
 *  until either side changes one. Knows neither bytes nor pins.
 *  Source: driver.md section 4 (sparse map); crash.md section 1. */

import type { Slab } from '../../pages/slab.ts';
import { bug } from '../../units.ts';

/** Entries of the two lower levels. Leaf: 128 MiB of device; node: 128 GiB; root: 2^53 bytes in 2^16. */
const FAN_OUT = 1024;
export const EXTENTS_PER_LEAF = FAN_OUT;
const PER_NODE = FAN_OUT * FAN_OUT;
/** What a level takes of the heap. */
export const LEVEL_BYTES = 8 * FAN_OUT + 128;

/** INVARIANTS: `used` entries are not undefined; a level below the root with none is not kept; `holders`
 *  levels or roots above have it. It changes only while that is one, all the way up. */
class Level<Entry> {
  readonly entries: (Entry | undefined)[];
  used = 0;
  holders = 1;

  constructor(entries = new Array<Entry | undefined>(FAN_OUT).fill(undefined)) {
    this.entries = entries;
  }

  /** One holder leaves it, and has this in its place. */
  copy(share: (entry: Entry) => void): Level<Entry> {
    const own = new Level<Entry>(this.entries.slice());
    own.used = this.used;
    for (const entry of own.entries) if (entry !== undefined) share(entry);
    this.holders--;
    return own;
  }
}
/** 1024 entries: 128 MiB of device. */
export type Leaf<Entry = Slab> = Level<Entry>;
type Node<Entry> = Level<Leaf<Entry>>;

const addHolder = (level: { holders: number }): void => {
  level.holders++;
};

export class SlabTable<Entry = Slab> {
  #extents: number;
  #root: (Node<Entry> | undefined)[];
  #size = 0;
  readonly #share: (entry: Entry) => void;

  /** @param extents how many extents the device has, up to 2^36.
   *  @param share called for each entry that one more leaf has. */
  constructor(extents: number, share: (entry: Entry) => void = () => {}) {
    this.#extents = extents;
    this.#root = this.#emptyRoot();
    this.#share = share;
  }

  /** The same entries in a table of its own, in no time. Before either side changes an entry from now on, it
   *  must `own` its place. */
  fork(): SlabTable<Entry> {
    const other = new SlabTable(this.#extents, this.#share);
    other.#root = this.#root.slice();
    for (const node of this.#root) if (node !== undefined) node.holders++;
    other.#size = this.#size;
    return other;
  }

  /** The first index of the leaf behind that of `index`. */
  endOfLeaf(index: number): number {
    return (Math.floor(index / FAN_OUT) + 1) * FAN_OUT;
  }

  /** Is the leaf of `index` also `other`'s? */
  sharesLeaf(other: SlabTable<Entry>, index: number): boolean {
    const leaf = this.#leafOf(index);
    return leaf !== undefined && leaf === other.#leafOf(index);
  }

  #leafOf(index: number): Leaf<Entry> | undefined {
    const nodeIndex = Math.floor(index / PER_NODE);
    return this.#root[nodeIndex]?.entries[(index - nodeIndex * PER_NODE) >>> 10];
  }

  /** Does no other table have the levels above the entry? */
  isOwned(index: number): boolean {
    const nodeIndex = Math.floor(index / PER_NODE);
    const node = this.#root[nodeIndex];
    if (node === undefined) return true;
    if (node.holders > 1) return false;
    const leaf = node.entries[(index - nodeIndex * PER_NODE) >>> 10];
    return leaf === undefined || leaf.holders === 1;
  }

  /** Copies what others have of the levels above the entry. @returns how many. */
  own(index: number): number {
    const nodeIndex = Math.floor(index / PER_NODE);
    let copied = this.#ownNode(nodeIndex);
    const node = this.#root[nodeIndex];
    const at = (index - nodeIndex * PER_NODE) >>> 10;
    const leaf = node?.entries[at];
    if (node !== undefined && leaf !== undefined && leaf.holders > 1) {
      node.entries[at] = leaf.copy(this.#share);
      copied++;
    }
    return copied;
  }

  get size(): number {
    return this.#size;
  }

  /** How many extents there can be. */
  get extents(): number {
    return this.#extents;
  }

  /** Makes room for `extents`; never less than there was, since what is kept stays. */
  grow(extents: number): void {
    this.#extents = Math.max(this.#extents, extents);
    const wanted = this.#emptyRoot().length;
    for (let length = this.#root.length; length < wanted; length++) this.#root.push(undefined);
  }

  get(index: number): Entry | undefined {
    const nodeIndex = Math.floor(index / PER_NODE); // no bit operators: index may pass 2^31
    const node = this.#root[nodeIndex];
    if (node === undefined) return undefined;
    const within = index - nodeIndex * PER_NODE;
    const leaf = node.entries[within >>> 10];
    if (leaf === undefined) return undefined;
    return leaf.entries[within & (FAN_OUT - 1)];
  }

  /** How many levels `set` would make. */
  levelsFor(index: number): number {
    const nodeIndex = Math.floor(index / PER_NODE);
    const node = this.#root[nodeIndex];
    if (node === undefined) return 2;
    return node.entries[(index - nodeIndex * PER_NODE) >>> 10] === undefined ? 1 : 0;
  }

  /** Puts an entry at an index that is owned, in place of any other. */
  set(index: number, entry: Entry): void {
    const nodeIndex = Math.floor(index / PER_NODE);
    const within = index - nodeIndex * PER_NODE;
    let node = this.#root[nodeIndex];
    if (node === undefined) {
      node = new Level();
      this.#root[nodeIndex] = node;
    }
    let leaf = node.entries[within >>> 10];
    if (leaf === undefined) {
      leaf = new Level();
      node.entries[within >>> 10] = leaf;
      node.used++;
    }
    if (node.holders > 1 || leaf.holders > 1) bug(`extent ${index} of several tables is changed`);
    const slot = within & (FAN_OUT - 1);
    if (leaf.entries[slot] === undefined) {
      leaf.used++;
      this.#size++;
    }
    leaf.entries[slot] = entry;
  }

  /** Removes the entry, if there is one, and the levels it leaves empty; its place is owned.
   *  @returns how many levels. */
  delete(index: number): number {
    const nodeIndex = Math.floor(index / PER_NODE);
    const within = index - nodeIndex * PER_NODE;
    const node = this.#root[nodeIndex];
    const leaf = node?.entries[within >>> 10];
    const slot = within & (FAN_OUT - 1);
    if (node === undefined || leaf?.entries[slot] === undefined) return 0;
    if (node.holders > 1 || leaf.holders > 1) bug(`extent ${index} of several tables is removed`);
    leaf.entries[slot] = undefined;
    leaf.used--;
    this.#size--;
    if (leaf.used > 0) return 0;
    node.entries[within >>> 10] = undefined;
    node.used--;
    if (node.used > 0) return 1;
    this.#root[nodeIndex] = undefined;
    return 2;
  }

  /** The first index in [from, end) that has an entry, or -1. Absent levels are passed in one step. */
  next(from: number, end: number): number {
    if (this.#size === 0) return -1;
    let index = from;
    while (index < end) {
      const nodeIndex = Math.floor(index / PER_NODE);
      const node = this.#root[nodeIndex];
      if (node === undefined) {
        index = (nodeIndex + 1) * PER_NODE;
        continue;
      }
      const within = index - nodeIndex * PER_NODE;
      const leaf = node.entries[within >>> 10];
      if (leaf !== undefined) {
        for (let slot = within & (FAN_OUT - 1); slot < FAN_OUT; slot++) {
          if (leaf.entries[slot] === undefined) continue;
          const found = index - (within & (FAN_OUT - 1)) + slot;
          return found < end ? found : -1;
        }
      }
      index += FAN_OUT - (within & (FAN_OUT - 1));
    }
    return -1;
  }

  /** Removes the whole leaves within [from, end), 128 MiB of device at a step. Others may have them as well:
   *  see `letGo`. @param into gets them. @returns how many levels above have become more or fewer. */
  takeLeaves(from: number, end: number, into: Leaf<Entry>[]): number {
    let change = 0;
    let index = Math.ceil(from / FAN_OUT) * FAN_OUT;
    while (this.#size > 0 && index + FAN_OUT <= end) {
      const nodeIndex = Math.floor(index / PER_NODE);
      const at = (index - nodeIndex * PER_NODE) >>> 10;
      const there = this.#root[nodeIndex];
      if (there === undefined) {
        index = (nodeIndex + 1) * PER_NODE;
        continue;
      }
      if (there.entries[at] !== undefined) {
        change += this.#ownNode(nodeIndex);
        change -= this.#takeLeaf(nodeIndex, at, into);
      }
      index += FAN_OUT;
    }
    return change;
  }

  /** @returns how many levels above it this leaves empty. */
  #takeLeaf(nodeIndex: number, at: number, into: Leaf<Entry>[]): number {
    const node = this.#root[nodeIndex];
    const leaf = node?.entries[at];
    if (node === undefined || leaf === undefined) return bug('a leaf that is not there is taken');
    into.push(leaf);
    this.#size -= leaf.used;
    node.entries[at] = undefined;
    node.used--;
    if (node.used > 0) return 0;
    this.#root[nodeIndex] = undefined;
    return 1;
  }

  /** @returns how many levels were copied: 0 or 1. */
  #ownNode(nodeIndex: number): number {
    const node = this.#root[nodeIndex];
    if (node === undefined || node.holders === 1) return 0;
    this.#root[nodeIndex] = node.copy(addHolder);
    return 1;
  }

  #emptyRoot(): (Node<Entry> | undefined)[] {
    return new Array<Node<Entry> | undefined>(Math.ceil(this.#extents / PER_NODE)).fill(undefined);
  }
}

/** A leaf that was taken out of a table is not needed there any more.
 *  @returns whether no other table has it: then it and its entries are the caller's. */
export function letGo(leaf: { holders: number }): boolean {
  return --leaf.holders === 0;
}
