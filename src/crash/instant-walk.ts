/** The components of one instant after the other: only what changes between two is looked at anew. */

import type { Component, Legality } from './legality.ts';

export class InstantWalk {
  readonly legality: Legality;
  instant = 0;
  /** Of each cell from the first to the last of a component, that component. */
  readonly #hull: (Component | undefined)[];
  readonly #all = new Set<Component>();
  /** How many components have so many outcomes. */
  readonly #counts = new Map<bigint, number>();
  readonly #changes: readonly ReadonlySet<number>[];

  constructor(legality: Legality) {
    this.legality = legality;
    this.#changes = changesOf(legality);
    const all = Array.from(legality.timeline.cells.place, (_, cell) => cell);
    this.#hull = all.map(() => undefined);
    this.#add(legality.components(all, 0));
  }

  /** The component that `cell` is one of, or lies within. */
  around(cell: number): Component | undefined {
    return this.#hull[cell];
  }

  /** In order of cells. */
  components(): Component[] {
    return [...this.#all].sort((a, b) => (a.cells[0] ?? 0) - (b.cells[0] ?? 0));
  }

  /** Images that are legal, as far as the components tell that are not in `without`. */
  legal(without: ReadonlySet<Component> = new Set()): bigint {
    const counts = new Map(this.#counts);
    for (const { outcomes } of without) {
      counts.set(outcomes.count, (counts.get(outcomes.count) ?? 0) - 1);
    }
    let product = 1n;
    for (const [count, times] of counts) product *= count ** BigInt(times);
    return product;
  }

  /** Cells of which something is different at `instant` from the one before. */
  changes(instant: number): ReadonlySet<number> {
    return this.#changes[instant] ?? new Set();
  }

  /** Goes on to the next instant. */
  next(): void {
    this.instant++;
    const changed = this.changes(this.instant);
    const cells = new Set(changed);
    for (const cell of changed) {
      this.legality.forget(cell, this.instant);
      this.#dissolve(cell, cells);
    }
    for (const cell of this.#connected(changed)) this.#dissolve(cell, cells);
    this.#add(
      this.legality.components(
        [...cells].sort((a, b) => a - b),
        this.instant,
      ),
    );
  }

  /** All cells of pieces that may now connect what was apart. */
  #connected(changed: ReadonlySet<number>): Set<number> {
    const { pieces } = this.legality;
    const found = new Set<number>();
    const seen = new Set<number>();
    for (const cell of pieces === undefined ? [] : changed) {
      for (const piece of this.legality.piecesAt(cell, this.instant, this.instant)) {
        if (seen.has(piece)) continue;
        seen.add(piece);
        const end = pieces?.high[piece] ?? 0;
        for (let one = pieces?.low[piece] ?? 0; one < end; one++) found.add(one);
      }
    }
    return found;
  }

  /** Takes the component around `cell` apart. */
  #dissolve(cell: number, into: Set<number>): void {
    const component = this.#hull[cell];
    if (component === undefined) return;
    for (const one of component.cells) into.add(one);
    this.#fill(component, undefined);
    this.#all.delete(component);
    this.#count(component, -1);
  }

  #add(components: readonly Component[]): void {
    for (const component of components) {
      this.#fill(component, component);
      this.#all.add(component);
      this.#count(component, 1);
    }
  }

  #fill({ cells }: Component, value: Component | undefined): void {
    this.#hull.fill(value, cells[0] ?? 0, (cells.at(-1) ?? 0) + 1);
  }

  #count({ outcomes }: Component, by: number): void {
    const times = (this.#counts.get(outcomes.count) ?? 0) + by;
    if (times === 0) this.#counts.delete(outcomes.count);
    else this.#counts.set(outcomes.count, times);
  }
}

function changesOf({ timeline }: Legality): ReadonlySet<number>[] {
  const changes = Array.from({ length: timeline.count }, () => new Set<number>());
  const { cells, from, durable, until } = timeline;
  for (let cell = 0; cell < cells.place.length; cell++) {
    for (let slot = cells.first[cell] ?? 0; slot < (cells.first[cell + 1] ?? 0); slot++) {
      const command = cells.command[slot] ?? 0;
      // What is pinned is durable then, and the base goes when the first one is.
      for (const instant of [from[command], durable[command], until[slot]]) {
        changes[instant ?? 0]?.add(cell);
      }
    }
  }
  return changes;
}
