/** Each image once, at the last instant at which it is legal: how many they are, and which. */

import { type Alive, Group } from './group.ts';
import type { LaterInstants } from './later.ts';
import type { Component } from './legality.ts';
import { Listing } from './listing.ts';
import type { Sweep } from './sweep.ts';

/** What a sweep stands at, compared with what comes. */
export class LastImages {
  readonly legal: bigint;
  /** Of them, those that are not legal later. */
  readonly last: bigint;
  readonly #sweep: Sweep;
  readonly #groups: readonly Group[];
  /** The later instants that were asked. */
  readonly later: readonly number[];

  constructor(sweep: Sweep, later: LaterInstants) {
    this.#sweep = sweep;
    const after = later.after(sweep.instant, (instant) => sweep.changes(instant));
    this.later = after;
    this.#groups = after.length === 0 ? [] : groupsOf(sweep, after);
    const changing = new Set(this.#groups.flatMap((group) => this.#of(group)));
    const others = sweep.legal(changing);
    let counts = new Map<Alive, bigint>([[(1n << BigInt(after.length)) - 1n, 1n]]);
    for (const group of this.#groups) counts = product(counts, group.counts());
    let all = 0n;
    for (const count of counts.values()) all += count;
    this.legal = others * all;
    this.last = others * (counts.get(0n) ?? 0n);
  }

  /** Of those that are not legal later; only while the sweep stands here. */
  listing(): Listing {
    return new Listing(this.#sweep.components(), this.#groups, this.later.length);
  }

  #of(group: Group): Component[] {
    return group.cells.flatMap((cell) => this.#sweep.around(cell) ?? []);
  }
}

function product(one: Map<Alive, bigint>, other: Map<Alive, bigint>): Map<Alive, bigint> {
  const counts = new Map<Alive, bigint>();
  for (const [a, times] of one) {
    for (const [b, more] of other) counts.set(a & b, (counts.get(a & b) ?? 0n) + times * more);
  }
  return counts;
}

function groupsOf(sweep: Sweep, after: readonly number[]): Group[] {
  const [first, last] = [sweep.instant, after.at(-1) ?? sweep.instant];
  const cells = [...regionOf(sweep, last)].sort((a, b) => a - b);
  const { legality } = sweep;
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
    reach = Math.max(reach, sweep.around(cell)?.cells.at(-1) ?? cell);
    for (const piece of legality.piecesAt(cell, first, last)) {
      reach = Math.max(reach, (legality.pieces?.high[piece] ?? 0) - 1);
    }
  }
  end();
  return groups;
}

/** What changes until `last`, and what is connected to it. */
function regionOf(sweep: Sweep, last: number): Set<number> {
  const { legality, instant } = sweep;
  const region = new Set<number>();
  const add = (cell: number): void => {
    region.add(cell);
    for (const one of sweep.around(cell)?.cells ?? []) region.add(one);
  };
  const seen = new Set<number>();
  for (let later = instant + 1; later <= last; later++) {
    for (const cell of sweep.changes(later)) {
      add(cell);
      for (const piece of legality.piecesAt(cell, instant, last)) {
        if (seen.has(piece)) continue;
        seen.add(piece);
        const high = legality.pieces?.high[piece] ?? 0;
        for (let one = legality.pieces?.low[piece] ?? 0; one < high; one++) {
          if (sweep.around(one) !== undefined) add(one);
        }
      }
    }
  }
  return region;
}
