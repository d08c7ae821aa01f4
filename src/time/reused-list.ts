/** A list that is filled and emptied in every turn without allocating. `array.length = 0` would drop the
 *  array's memory, and the next `push` would allocate 150 bytes: as much as everything else of a request. */

export class ReusedList<T> {
  readonly #items: (T | undefined)[] = [];
  count = 0;

  push(item: T): void {
    this.#items[this.count++] = item;
  }

  /** The item at `index` below `count`. */
  at(index: number): T | undefined {
    return this.#items[index];
  }

  /** Drops the references to what was in it. */
  clear(): void {
    for (let at = 0; at < this.count; at++) this.#items[at] = undefined;
    this.count = 0;
  }
}
