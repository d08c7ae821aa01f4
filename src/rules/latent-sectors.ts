/** The sectors that fail until they are written, as ranges in order that neither touch nor overlap. A search
 *  takes O(log ranges); a change moves those behind it, at most 16 MiB of numbers.
 *  Source: faults.md section 1 (until=rewrite). */

import type { TableMemory } from './key-table.ts';

const RANGES_MAX = 2 ** 20;
/** Of a range: two numbers, in lists that may be half empty. */
const RANGE_BYTES = 32;

export class LatentSectors {
  readonly #memory: TableMemory;
  readonly #firsts: number[] = [];
  /** One behind the last. */
  readonly #ends: number[] = [];
  #charged = 0;

  constructor(memory: TableMemory) {
    this.#memory = memory;
  }

  get isEmpty(): boolean {
    return this.#firsts.length === 0;
  }

  touches(first: number, end: number): boolean {
    const at = above(this.#ends, first);
    return at < this.#firsts.length && (this.#firsts[at] ?? end) < end;
  }

  /** @returns false: there is no room for them. */
  add(first: number, end: number): boolean {
    const from = above(this.#ends, first - 1); // one that ends at `first` touches it
    const to = above(this.#firsts, end);
    if (from === to) {
      if (this.#firsts.length === RANGES_MAX || !this.#charge()) return false;
      this.#replace(from, to, [[first, end]]);
      return true;
    }
    const [begin = first, last = end] = [this.#firsts[from], this.#ends[to - 1]];
    this.#replace(from, to, [[Math.min(first, begin), Math.max(end, last)]]);
    return true;
  }

  remove(first: number, end: number): void {
    const from = above(this.#ends, first);
    const to = above(this.#firsts, end - 1);
    if (from >= to) return;
    const [begin = first, last = end] = [this.#firsts[from], this.#ends[to - 1]];
    const left: [number, number][] = [];
    if (begin < first) left.push([begin, first]);
    if (last > end) left.push([end, last]);
    this.#replace(from, to, left);
  }

  clear(): void {
    this.#replace(0, this.#firsts.length, []);
  }

  #charge(): boolean {
    if (!this.#memory.charge(RANGE_BYTES)) return false;
    this.#charged += RANGE_BYTES;
    return true;
  }

  #replace(from: number, to: number, by: readonly (readonly [number, number])[]): void {
    this.#firsts.splice(from, to - from, ...by.map(([first]) => first));
    this.#ends.splice(from, to - from, ...by.map(([, end]) => end));
    // One that is cut in two has to stay, with room or without.
    const surplus = this.#charged - this.#firsts.length * RANGE_BYTES;
    if (surplus <= 0) return;
    this.#memory.release(surplus);
    this.#charged -= surplus;
  }
}

/** The first index of ascending numbers that are above `value`, or their length. */
function above(numbers: readonly number[], value: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
