/** The models lost and prefix: the images are steps of a chain, each made of the one before by what one command or
 *  one instant adds. Equal steps are found by a sum, then compared. */

import type { Cells } from './cells.ts';
import { sumOf } from './content-sum.ts';
import type { ListedImage, Space, SummedImage } from './space.ts';
import type { Timeline } from './timeline.ts';

/** What a step puts where: pairs of a cell and the slot that it shows then. */
type Change = readonly (readonly [cell: number, slot: number])[];

interface Window {
  readonly first: number;
  readonly last: number;
}

export class ChainSpace implements Space {
  readonly #timeline: Timeline;
  readonly #changes: readonly Change[];
  /** Of each instant, the steps that are legal. */
  readonly #windows: readonly Window[];
  /** Of each step, the first one that is equal. */
  readonly #equal: Int32Array;
  /** Of each step, the sum of its contents. */
  readonly #sums: string[] = [];
  /** Of each cell, the steps at which it changes, and the version that it has then. */
  readonly #history: readonly { readonly steps: number[]; readonly versions: number[] }[];

  constructor(timeline: Timeline, changes: readonly Change[], windows: readonly Window[]) {
    this.#timeline = timeline;
    this.#changes = changes;
    this.#windows = windows;
    this.#history = Array.from(timeline.cells.place, () => ({ steps: [], versions: [] }));
    for (const [step, change] of changes.entries()) {
      for (const [cell, slot] of change) {
        this.#history[cell]?.steps.push(step);
        this.#history[cell]?.versions.push(timeline.version[slot] ?? 0);
      }
    }
    this.#equal = this.#findEqual();
  }

  legal(): readonly bigint[] {
    // Both ends of the windows only go forward.
    const times = new Int32Array(this.#changes.length);
    let [first, end, distinct] = [0, 0, 0n];
    return this.#windows.map((window) => {
      for (; end <= window.last; end++) {
        const equal = this.#equal[end] ?? 0;
        times[equal] = (times[equal] ?? 0) + 1;
        if (times[equal] === 1) distinct++;
      }
      for (; first < window.first; first++) {
        const equal = this.#equal[first] ?? 0;
        times[equal] = (times[equal] ?? 0) - 1;
        if (times[equal] === 0) distinct--;
      }
      return distinct;
    });
  }

  distinct(): bigint {
    return BigInt(this.#lastInstants().size);
  }

  *images(): Generator<ListedImage, void> {
    for (const { instant, rank } of this.summed()) yield { instant, rank };
  }

  /** The same with the sums of their contents. */
  *summed(): Generator<SummedImage, void> {
    const last = this.#lastInstants();
    const instants = new Set(last.values());
    for (const instant of this.#windows.keys()) {
      if (!instants.has(instant)) continue;
      for (const [rank, step] of this.#ranked(instant).entries()) {
        if (last.get(this.#equal[step] ?? 0) === instant) {
          yield { instant, rank: BigInt(rank), sum: this.#sums[step] ?? '' };
        }
      }
    }
  }

  contents({ instant, rank }: ListedImage): Int32Array | undefined {
    const step = this.#ranked(instant)[Number(rank)];
    if (step === undefined) return undefined;
    const { cells } = this.#timeline;
    return Int32Array.from(cells.place, (_, cell) =>
      this.#timeline.contentOf(cell, this.#version(cell, step)),
    );
  }

  /** By first equal step. */
  #lastInstants(): Map<number, number> {
    const last = new Map<number, number>();
    let end = this.#changes.length;
    for (const [instant, window] of [...this.#windows.entries()].reverse()) {
      for (let step = Math.min(end, window.last + 1) - 1; step >= window.first; step--) {
        const equal = this.#equal[step] ?? 0;
        if (!last.has(equal)) last.set(equal, instant);
      }
      end = Math.min(end, window.first);
    }
    return last;
  }

  /** Steps of an instant, one of each content, in the order of their vectors. */
  #ranked(instant: number): number[] {
    const { first, last } = this.#windows[instant] ?? { first: 0, last: -1 };
    const steps = new Map<number, number>();
    for (let step = first; step <= last; step++) {
      const equal = this.#equal[step] ?? 0;
      if (!steps.has(equal)) steps.set(equal, step);
    }
    // Nearly in order: the sort compares neighbours.
    return [...steps.values()].sort((a, b) => this.#compare(a, b));
  }

  /** By the first cell that differs. */
  #compare(a: number, b: number): number {
    if (a > b) return -this.#compare(b, a);
    let [lowest, order] = [Number.POSITIVE_INFINITY, 0];
    for (let step = a + 1; step <= b; step++) {
      for (const [cell] of this.#changes[step] ?? []) {
        if (cell >= lowest) continue;
        const difference = this.#version(cell, a) - this.#version(cell, b);
        if (difference !== 0) [lowest, order] = [cell, difference];
      }
    }
    return order;
  }

  #findEqual(): Int32Array {
    const { cells } = this.#timeline;
    const contents = cells.base.slice();
    const firsts = new Map<string, number[]>();
    const sum = sumOf(cells.base);
    return Int32Array.from(this.#changes, (change, step) => {
      for (const [cell, slot] of change) {
        sum.add(cell, contents[cell] ?? 0, -1);
        contents[cell] = cells.content[slot] ?? 0;
        sum.add(cell, contents[cell] ?? 0, 1);
      }
      const key = sum.text;
      this.#sums.push(key);
      const same = firsts.get(key) ?? [];
      const equal = same.find((first) => this.#compare(first, step) === 0);
      if (equal !== undefined) return equal;
      firsts.set(key, [...same, step]);
      return step;
    });
  }

  #version(cell: number, step: number): number {
    const { steps, versions } = this.#history[cell] ?? { steps: [], versions: [] };
    let [low, high] = [0, steps.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((steps[middle] ?? step) <= step) low = middle + 1;
      else high = middle;
    }
    return versions[low - 1] ?? 0;
  }
}

/** Of each command, its slots. */
function slotsByCommand(cells: Cells): (readonly [cell: number, slot: number])[][] {
  const slots: (readonly [number, number])[][] = Array.from(cells.low, () => []);
  for (let cell = 0; cell < cells.place.length; cell++) {
    for (let slot = cells.first[cell] ?? 0; slot < (cells.first[cell + 1] ?? 0); slot++) {
      slots[cells.command[slot] ?? 0]?.push([cell, slot]);
    }
  }
  return slots;
}

/** The first k commands, for each k that has all durable ones. */
export function prefixSpace(timeline: Timeline): ChainSpace {
  const changes = [[], ...slotsByCommand(timeline.cells)];
  const windows = Array.from({ length: timeline.count }, () => ({ first: 0, last: 0 }));
  for (const [one, from] of timeline.from.entries()) {
    for (const [instants, end] of [
      [from, 'last'],
      [timeline.durable[one] ?? timeline.count, 'first'],
    ] as const) {
      const window = windows[instants];
      if (window !== undefined) window[end] = Math.max(window[end], one + 1);
    }
  }
  let before = { first: 0, last: 0 };
  for (const window of windows) {
    window.first = Math.max(window.first, before.first);
    window.last = Math.max(window.last, before.last);
    before = window;
  }
  return new ChainSpace(timeline, changes, windows);
}

/** What is durable, in order of arrival. */
export function lostSpace(timeline: Timeline): ChainSpace {
  const slots = slotsByCommand(timeline.cells);
  const added: number[][] = Array.from({ length: timeline.count }, () => []);
  for (const [one, instant] of timeline.durable.entries()) added[instant]?.push(one);
  const shown = new Int32Array(timeline.cells.place.length).fill(-1);
  const changes = added.map((commands) => {
    const change = new Map<number, number>();
    for (const one of commands) {
      for (const [cell, slot] of slots[one] ?? []) {
        if (slot <= (shown[cell] ?? -1)) continue;
        shown[cell] = slot;
        change.set(cell, slot);
      }
    }
    return [...change];
  });
  const windows = changes.map((_, instant) => ({ first: instant, last: instant }));
  return new ChainSpace(timeline, changes, windows);
}
