/** Cells that change between an instant and later ones, with all that is connected to them, then or later: walks
 *  the vectors that are legal at the instant, and keeps in mind at which of the later ones they still are. */

import { bug } from '../units.ts';
import type { Component, Legality } from './legality.ts';

/** Later instants as bits: the n-th of them is bit n. */
export type Alive = bigint;

/** Where a walk stands before a cell: the states of the automata, that of the instant itself first, and the later
 *  instants that have not been left. */
export interface Position {
  readonly alive: Alive;
  readonly states: readonly number[];
}

/** A cell at one instant: a place in a component, or a version that is the only one. */
type Place = { readonly component: Component; readonly at: number } | { readonly version: number };

export class Group {
  /** Ascending. */
  readonly cells: readonly number[];
  /** Those of the instant itself. */
  readonly components: readonly Component[];
  readonly #places: readonly (readonly Place[])[];
  readonly #all: Alive;
  /** By index of a cell and key of a position before it. */
  readonly #ends: Map<string, ReadonlySet<Alive>>[] = [];

  /** @param instants the instant, then the later ones. */
  constructor(legality: Legality, cells: readonly number[], instants: readonly number[]) {
    this.cells = cells;
    this.#all = (1n << BigInt(instants.length - 1)) - 1n;
    const byInstant = instants.map((instant) => legality.components(cells, instant));
    this.components = byInstant[0] ?? [];
    const places = byInstant.map((components, at) => {
      const found = new Map<number, Place>();
      for (const component of components) {
        for (const [index, cell] of component.cells.entries()) {
          found.set(cell, { component, at: index });
        }
      }
      const instant = instants[at] ?? 0;
      return cells.map(
        (cell) => found.get(cell) ?? { version: legality.versions(cell, instant)[0] ?? 0 },
      );
    });
    this.#places = cells.map((_, index) => places.map((row) => row[index] ?? bug('no place')));
  }

  start(alive: Alive): Position {
    return { alive, states: this.#places[0]?.map(() => 0) ?? [] };
  }

  /** The component of the instant itself at the index-th cell, if it has a choice there. */
  place(index: number): { readonly component: Component; readonly at: number } | undefined {
    const own = this.#places[index]?.[0];
    return own !== undefined && 'component' in own ? own : undefined;
  }

  /** What may follow at the index-th cell, in order of versions. */
  follow(index: number, { alive, states }: Position): { version: number; to: Position }[] {
    const places = this.#places[index] ?? [];
    const [own] = places;
    if (own === undefined) return [];
    return versionsAt(own, states[0] ?? 0).map((version) => {
      let left = alive;
      const next = places.map((place, at) => {
        const bit = at === 0 ? 0n : 1n << BigInt(at - 1);
        if (at > 0 && (left & bit) === 0n) return 0;
        const state = step(place, states[at] ?? 0, version);
        if (state === undefined) left &= ~bit;
        return state ?? 0;
      });
      return { version, to: { alive: left, states: next } };
    });
  }

  /** How many vectors are legal at exactly which later instants. */
  counts(): Map<Alive, bigint> {
    let positions = new Map([['', { position: this.start(this.#all), count: 1n }]]);
    for (let index = 0; index < this.cells.length; index++) {
      const next: typeof positions = new Map();
      for (const { position, count } of positions.values()) {
        for (const { to } of this.follow(index, position)) {
          const key = keyOf(to);
          const known = next.get(key);
          next.set(key, { position: to, count: count + (known?.count ?? 0n) });
        }
      }
      positions = next;
    }
    const counts = new Map<Alive, bigint>();
    for (const { position, count } of positions.values()) {
      counts.set(position.alive, (counts.get(position.alive) ?? 0n) + count);
    }
    return counts;
  }

  /** The later instants that may be left at the end of the group, for all that can follow a position before the
   *  index-th cell. */
  ends(index: number, position: Position): ReadonlySet<Alive> {
    const key = keyOf(position);
    if (this.#ends[index]?.get(key) === undefined) this.#fillEnds(index, position);
    return this.#ends[index]?.get(key) ?? bug('a position without an end');
  }

  #fillEnds(from: number, position: Position): void {
    const layers = [new Map([[keyOf(position), position]])];
    for (let index = from; index < this.cells.length; index++) {
      const next = new Map<string, Position>();
      for (const one of layers.at(-1)?.values() ?? []) {
        for (const { to } of this.follow(index, one)) next.set(keyOf(to), to);
      }
      layers.push(next);
    }
    for (let index = this.cells.length; index >= from; index--) {
      this.#ends[index] ??= new Map();
      for (const [key, one] of layers[index - from] ?? []) {
        const ends =
          index === this.cells.length
            ? [one.alive]
            : this.follow(index, one).flatMap(({ to }) => [...this.ends(index + 1, to)]);
        this.#ends[index]?.set(key, new Set(ends));
      }
    }
  }
}

function keyOf({ alive, states }: Position): string {
  return `${alive}:${states.join(',')}`;
}

function versionsAt(place: Place, state: number): readonly number[] {
  if ('version' in place) return [place.version];
  return place.component.outcomes.versions(place.at, state);
}

/** @returns the automaton's next state, 0 where none goes on; undefined: not legal. A cell without a choice may lie
 *  within a component. */
function step(place: Place, state: number, version: number): number | undefined {
  if ('version' in place) return place.version === version ? state : undefined;
  const next = place.component.outcomes.step(place.at, state, version);
  return place.at === place.component.cells.length - 1 && next !== undefined ? 0 : next;
}
