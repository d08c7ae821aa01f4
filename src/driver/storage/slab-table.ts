/** A sparse table from the number of a slab-sized extent to what is kept of it (its slab, or its part of
 *  the cache), in three levels of arrays; levels that hold nothing do not exist. Knows neither bytes
 *  nor pins. Source: driver.md section 4 (sparse map). */

import type { Slab } from '../../pages/slab.ts';

/** Entries of the two lower levels. Leaf: 128 MiB of device; node: 128 GiB; root: 2^53 bytes in 2^16. */
const FAN_OUT = 1024;
export const EXTENTS_PER_LEAF = FAN_OUT;
const PER_NODE = FAN_OUT * FAN_OUT;
/** What a level takes of the heap. */
export const LEVEL_BYTES = 8 * FAN_OUT + 128;

/** INVARIANT: `used` entries are not undefined; a level below the root with none is not kept. */
class Level<Entry> {
  readonly entries: (Entry | undefined)[] = new Array<Entry | undefined>(FAN_OUT).fill(undefined);
  used = 0;
}
type Leaf<Entry> = Level<Entry>;
type Node<Entry> = Level<Leaf<Entry>>;

export class SlabTable<Entry = Slab> {
  #extents: number;
  #root: (Node<Entry> | undefined)[];
  #size = 0;
  /** Levels below the root. */
  levels = 0;

  /** @param extents how many extents the device has, up to 2^36. */
  constructor(extents: number) {
    this.#extents = extents;
    this.#root = this.#emptyRoot();
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

  /** Puts an entry at an index, in place of any other. */
  set(index: number, entry: Entry): void {
    const nodeIndex = Math.floor(index / PER_NODE);
    const within = index - nodeIndex * PER_NODE;
    let node = this.#root[nodeIndex];
    if (node === undefined) {
      node = new Level();
      this.#root[nodeIndex] = node;
      this.levels++;
    }
    let leaf = node.entries[within >>> 10];
    if (leaf === undefined) {
      leaf = new Level();
      node.entries[within >>> 10] = leaf;
      node.used++;
      this.levels++;
    }
    const slot = within & (FAN_OUT - 1);
    if (leaf.entries[slot] === undefined) {
      leaf.used++;
      this.#size++;
    }
    leaf.entries[slot] = entry;
  }

  /** Removes the entry, if there is one, and the levels it leaves empty. @returns how many levels. */
  delete(index: number): number {
    const nodeIndex = Math.floor(index / PER_NODE);
    const within = index - nodeIndex * PER_NODE;
    const node = this.#root[nodeIndex];
    const leaf = node?.entries[within >>> 10];
    const slot = within & (FAN_OUT - 1);
    if (node === undefined || leaf?.entries[slot] === undefined) return 0;
    leaf.entries[slot] = undefined;
    leaf.used--;
    this.#size--;
    if (leaf.used > 0) return 0;
    node.entries[within >>> 10] = undefined;
    node.used--;
    this.levels--;
    if (node.used > 0) return 1;
    this.#root[nodeIndex] = undefined;
    this.levels--;
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

  /** Removes all entries of the whole leaves within [from, end): 128 MiB of device at a step.
   *  @returns what was in each; most may be undefined. */
  takeLeaves(from: number, end: number): (readonly (Entry | undefined)[])[] {
    const taken: (readonly (Entry | undefined)[])[] = [];
    let index = Math.ceil(from / FAN_OUT) * FAN_OUT;
    while (this.#size > 0 && index + FAN_OUT <= end) {
      const nodeIndex = Math.floor(index / PER_NODE);
      const node = this.#root[nodeIndex];
      if (node === undefined) {
        index = (nodeIndex + 1) * PER_NODE;
        continue;
      }
      const at = (index - nodeIndex * PER_NODE) >>> 10;
      const leaf = node.entries[at];
      if (leaf !== undefined) {
        taken.push(leaf.entries);
        this.#size -= leaf.used;
        node.entries[at] = undefined;
        node.used--;
        this.levels--;
        if (node.used === 0) {
          this.#root[nodeIndex] = undefined;
          this.levels--;
        }
      }
      index += FAN_OUT;
    }
    return taken;
  }

  #emptyRoot(): (Node<Entry> | undefined)[] {
    return new Array<Node<Entry> | undefined>(Math.ceil(this.#extents / PER_NODE)).fill(undefined);
  }
}
