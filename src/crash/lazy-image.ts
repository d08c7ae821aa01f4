/** An image that is decided while somebody reads it: a component has its outcome when the first of its cells is
 *  read. What is never read is never decided, and so never tried in several ways. Source: crash.md section 5. */

import { lowerBound } from './cells.ts';
import type { InstantImages } from './instant-images.ts';
import type { Component } from './legality.ts';
import type { Timeline } from './timeline.ts';

export interface Decision {
  readonly component: Component;
  readonly choice: bigint;
}

/** What a cell is to hold from now on. */
export interface Decided {
  readonly cell: number;
  /** A number of `Contents`, or RANDOM. */
  readonly content: number;
}

export class LazyImage {
  readonly decisions: Decision[] = [];
  #readsOther = false;
  readonly #timeline: Timeline;
  readonly #plan: readonly Decision[];
  /** Of each cell, its component while that is not decided. */
  readonly #open = new Map<number, Component>();
  /** The reader has written them: whatever was there does not matter. */
  readonly #overwritten = new Set<number>();
  readonly #vector: Int32Array;
  readonly #isKept: boolean;

  /** @param plan decisions as they were made before: those come first. @param isKept what was there before matters,
   *  also where the reader has written: its writes may be lost. */
  constructor(
    images: InstantImages,
    timeline: Timeline,
    plan: readonly Decision[],
    isKept = false,
  ) {
    this.#timeline = timeline;
    this.#isKept = isKept;
    this.#plan = plan;
    this.#vector = images.vector(0n) ?? new Int32Array();
    for (const component of images.components) {
      for (const cell of component.cells) this.#open.set(cell, component);
    }
  }

  /** Something else was read than the decisions before were made for, or less. Ask when the reader has
   *  ended. */
  get hasDiverged(): boolean {
    return this.#readsOther || this.decisions.length < this.#plan.length;
  }

  /** The version of each cell; of those that are not decided, the first. */
  get vector(): Int32Array {
    return this.#vector;
  }

  /** Bytes from `start` up to `end` are about to be read. @returns what they must hold by then. */
  reads(start: number, end: number): Decided[] {
    if (this.#open.size === 0) return [];
    const found: Decided[] = [];
    for (const cell of this.#cells(start, end)) {
      const component = this.#open.get(cell);
      if (component !== undefined && !this.#overwritten.has(cell)) {
        found.push(...this.#decide(component));
      }
    }
    return found;
  }

  /** They are about to be written. @returns as above, for blocks that are written in part. */
  changes(start: number, end: number): Decided[] {
    if (this.#open.size === 0) return [];
    if (this.#isKept) return this.reads(start, end);
    const { bytes, place } = this.#timeline.cells;
    const found: Decided[] = [];
    for (const cell of this.#cells(start, end)) {
      const at = (place[cell] ?? 0) * bytes;
      if (at < start || at + bytes > end) found.push(...this.reads(at, at + bytes));
      this.#overwritten.add(cell);
    }
    return found;
  }

  #decide(component: Component): Decided[] {
    const place = this.decisions.length;
    const planned = this.#readsOther ? undefined : this.#plan[place];
    const isSame = planned?.component.cells[0] === component.cells[0];
    if (planned !== undefined && !isSame) this.#readsOther = true;
    const choice = planned !== undefined && isSame ? planned.choice : 0n;
    this.decisions.push({ component, choice });
    const versions = component.outcomes.unrank(choice);
    const found: Decided[] = [];
    for (const [at, cell] of component.cells.entries()) {
      this.#open.delete(cell);
      const version = versions[at] ?? 0;
      this.#vector[cell] = version;
      const content = this.#timeline.contentOf(cell, version);
      if (!this.#overwritten.has(cell)) found.push({ cell, content });
    }
    return found;
  }

  *#cells(start: number, end: number): Generator<number, void> {
    const { bytes, place } = this.#timeline.cells;
    const last = Math.ceil(end / bytes);
    const first = lowerBound(place, Math.floor(start / bytes));
    for (let cell = first; (place[cell] ?? last) < last; cell++) yield cell;
  }
}

/** The decisions to try next: the last that can be made in another way is. Undefined: all were tried. */
export function nextPlan(decisions: readonly Decision[]): Decision[] | undefined {
  const last = decisions.findLastIndex(
    ({ component, choice }) => choice + 1n < component.outcomes.count,
  );
  const changed = decisions[last];
  if (changed === undefined) return undefined;
  return [...decisions.slice(0, last), { ...changed, choice: changed.choice + 1n }];
}
