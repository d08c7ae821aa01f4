/** How often each thing of a table has happened. */

export class Counts<Name extends string> {
  readonly #counts: Map<Name, number>;

  /** @param names of all that is counted: what has not happened is there as 0. */
  constructor(names: readonly Name[]) {
    this.#counts = new Map(names.map((name) => [name, 0]));
  }

  add(name: Name): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  total(): ReadonlyMap<Name, number> {
    return this.#counts;
  }
}
