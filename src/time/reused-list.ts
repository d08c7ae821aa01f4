/** A list that is filled and emptied in every turn without allocating. `array.length = 0` would give the
 *  array's memory away, so that the next `push` takes 150 bytes anew: as much as all else of a request. */

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

  /** Keeps nothing alive that was in it. */
  clear(): void {
    for (let at = 0; at < this.count; at++) this.#items[at] = undefined;
    this.count = 0;
  }
}
