/** Each image once, at the last instant at which it is legal: how many they are, and which. */

import { type Alive, Group } from './group.ts';
import type { InstantWalk } from './instant-walk.ts';
import type { LaterInstants } from './later.ts';
import type { Component } from './legality.ts';
import { Listing } from './listing.ts';

/** What a walk stands at, compared with what comes. */
export class LastImages {
  readonly legal: bigint;
  /** Of them, those that are not legal later. */
  readonly last: bigint;
  readonly #walk: InstantWalk;
  readonly #groups: readonly Group[];
  /** The later instants that were asked. */
  readonly later: readonly number[];

  constructor(walk: InstantWalk, later: LaterInstants) {
    this.#walk = walk;
    const after = later.after(walk.instant, (instant) => walk.changes(instant));
    this.later = after;
    this.#groups = after.length === 0 ? [] : groupsOf(walk, after);
    const changing = new Set(this.#groups.flatMap((group) => this.#of(group)));
    const others = walk.legal(changing);
    let counts = new Map<Alive, bigint>([[(1n << BigInt(after.length)) - 1n, 1n]]);
    for (const group of this.#groups) counts = product(counts, group.counts());
    let all = 0n;
    for (const count of counts.values()) all += count;
    this.legal = others * all;
    this.last = others * (counts.get(0n) ?? 0n);
  }

  /** Of those that are not legal later; only while the walk stands here. */
  listing(): Listing {
    return new Listing(this.#walk.components(), this.#groups, this.later.length);
  }

  #of(group: Group): Component[] {
    return group.cells.flatMap((cell) => this.#walk.around(cell) ?? []);
  }
}

function product(one: Map<Alive, bigint>, other: Map<Alive, bigint>): Map<Alive, bigint> {
  const counts = new Map<Alive, bigint>();
  for (const [a, times] of one) {
    for (const [b, more] of other) counts.set(a & b, (counts.get(a & b) ?? 0n) + times * more);
  }
  return counts;
}

function groupsOf(walk: InstantWalk, after: readonly number[]): Group[] {
  const [first, last] = [walk.instant, after.at(-1) ?? walk.instant];
  const cells = [...regionOf(walk, last)].sort((a, b) => a - b);
  const { legality } = walk;
  const groups: Group[] = [];
  let current: number[] = [];
  let reach = -1;
  const end = (): void => {
    if (current.length > 0) groups.push(new Group(legality, current, [first, ...after]));
    current = [];
  };
  for (const cell of cells) {
    if (cell > reach) end();
    current.push(cell);
    reach = Math.max(reach, walk.around(cell)?.cells.at(-1) ?? cell);
    for (const piece of legality.piecesAt(cell, first, last)) {
      reach = Math.max(reach, (legality.pieces?.high[piece] ?? 0) - 1);
    }
  }
  end();
  return groups;
}

/** What changes until `last`, and what is connected to it. */
function regionOf(walk: InstantWalk, last: number): Set<number> {
  const { legality, instant } = walk;
  const region = new Set<number>();
  const add = (cell: number): void => {
    region.add(cell);
    for (const one of walk.around(cell)?.cells ?? []) region.add(one);
  };
  const seen = new Set<number>();
  for (let later = instant + 1; later <= last; later++) {
    for (const cell of walk.changes(later)) {
      add(cell);
      for (const piece of legality.piecesAt(cell, instant, last)) {
        if (seen.has(piece)) continue;
        seen.add(piece);
        const high = legality.pieces?.high[piece] ?? 0;
        for (let one = legality.pieces?.low[piece] ?? 0; one < high; one++) {
          if (walk.around(one) !== undefined) add(one);
        }
      }
    }
  }
  return region;
}
