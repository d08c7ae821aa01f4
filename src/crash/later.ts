/** Which instants must be looked at to know whether an image of one is legal at a later one: the next, nearly
 *  always alone. What is legal now and at a later instant is so in between, unless a content comes back that was
 *  gone: so the others are those at which a version arrives that is like one that is legal now. And none is,
 *  once a cell has nothing left of what is legal now. */

import { ZEROS } from './contents.ts';
import type { Legality } from './legality.ts';
import { RANDOM } from './timeline.ts';

interface Return {
  readonly cell: number;
  /** Which come with it. */
  readonly versions: readonly number[];
}

export class LaterInstants {
  readonly #legality: Legality;
  readonly #hasGarbage: boolean;
  readonly #returns: Return[][];
  /** Of each cell, the last instant at which any of its present versions is legal; and how many cells have so. */
  readonly #last: Int32Array;
  readonly #cellsWith: Int32Array;

  constructor(legality: Legality, hasGarbage: boolean) {
    this.#legality = legality;
    this.#hasGarbage = hasGarbage;
    const { count, cells } = legality.timeline;
    this.#returns = Array.from({ length: count }, () => []);
    this.#last = new Int32Array(cells.place.length).fill(-1);
    this.#cellsWith = new Int32Array(count);
    for (let cell = 0; cell < cells.place.length; cell++) {
      this.#noteReturns(cell);
      this.update(cell, 0);
    }
  }

  /** A cell has changed. */
  update(cell: number, instant: number): void {
    const before = this.#last[cell] ?? -1;
    if (before >= 0) this.#cellsWith[before] = (this.#cellsWith[before] ?? 0) - 1;
    const last = this.#lastOf(cell, instant);
    this.#last[cell] = last;
    this.#cellsWith[last] = (this.#cellsWith[last] ?? 0) + 1;
  }

  /** Ascending. @param changes which cells have changed at an instant. */
  after(instant: number, changes: (instant: number) => Iterable<number>): number[] {
    const { count } = this.#legality.timeline;
    const found = instant + 1 < count ? [instant + 1] : [];
    let horizon = instant;
    while (horizon < count - 1 && this.#cellsWith[horizon] === 0) horizon++;
    // A cell that has nothing of what is legal now: often for many instants.
    let changed: number | undefined;
    for (let later = instant + 2; later <= horizon; later++) {
      if (changed !== undefined && this.#isOther(changed, instant, later)) continue;
      changed = undefined;
      if (!this.#comesBack(instant, later)) continue;
      for (let at = instant + 1; at <= later && changed === undefined; at++) {
        for (const cell of changes(at)) {
          if (this.#isOther(cell, instant, later)) changed = cell;
          if (changed !== undefined) break;
        }
      }
      if (changed === undefined) found.push(later);
    }
    return found;
  }

  #comesBack(instant: number, later: number): boolean {
    const returns = this.#returns[later] ?? [];
    return returns.some(({ cell, versions }) => {
      const present = this.#legality.versions(cell, instant);
      return versions.some((version) => present.includes(version));
    });
  }

  #isOther(cell: number, instant: number, later: number): boolean {
    const present = this.#legality.versions(cell, instant);
    return !this.#legality.versions(cell, later).some((version) => present.includes(version));
  }

  #noteReturns(cell: number): void {
    const { timeline } = this.#legality;
    const { first, command } = timeline.cells;
    const seen = new Set([0]);
    const garbage = this.#garbageOf(cell);
    for (let slot = first[cell] ?? 0; slot < (first[cell + 1] ?? 0); slot++) {
      const version = timeline.version[slot] ?? 0;
      const versions = [version, ...garbage].filter((one) => seen.has(one));
      if (versions.length > 0) {
        this.#returns[timeline.from[command[slot] ?? 0] ?? 0]?.push({ cell, versions });
      }
      for (const one of [version, ...garbage]) seen.add(one);
    }
  }

  #lastOf(cell: number, instant: number): number {
    const { timeline } = this.#legality;
    const { first } = timeline.cells;
    const present = this.#legality.versions(cell, instant);
    let until = present.includes(0) ? (timeline.baseUntil[cell] ?? 0) : 0;
    const hasGarbage = this.#garbageOf(cell).some((one) => present.includes(one));
    for (let slot = first[cell] ?? 0; slot < (first[cell + 1] ?? 0); slot++) {
      if (present.includes(timeline.version[slot] ?? 0) || hasGarbage) {
        until = Math.max(until, timeline.until[slot] ?? 0);
      }
      if (until === timeline.count) break;
    }
    return until - 1;
  }

  #garbageOf(cell: number): number[] {
    if (!this.#hasGarbage) return [];
    return [ZEROS, RANDOM].map((content) => this.#legality.timeline.versionOf(cell, content));
  }
}
