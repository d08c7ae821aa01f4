/** Which versions are legal together at an instant: the components of the cells that have a choice. Components
 *  are independent of each other, and no cell of one lies between those of another: so an image is a choice
 *  for each, and the order of ranks is the order of whole vectors. Source: docs/crash.md, The contract. */

import { ZEROS } from './contents.ts';
import { type ComponentCell, outcomesOf, type Shown } from './orders.ts';
import { Outcomes } from './outcomes.ts';
import type { Pieces } from './pieces.ts';
import { atOnce, mapped, PER_STEP, type Steps } from './steps.ts';
import { RANDOM, type Timeline } from './timeline.ts';

export interface Component {
  /** Ascending. */
  readonly cells: readonly number[];
  readonly outcomes: Outcomes;
}

/** Cells joined in a step, unless a component has more. */
const CELLS_PER_STEP = 16;

export class Legality {
  readonly timeline: Timeline;
  /** Undefined: each cell is for itself. */
  readonly pieces: Pieces | undefined;
  readonly #hasGarbage: boolean;
  /** Of each cell, the first slot that is not gone for ever. */
  readonly #begin: Int32Array;

  constructor(timeline: Timeline, pieces: Pieces | undefined, hasGarbage: boolean) {
    this.timeline = timeline;
    this.pieces = pieces;
    this.#hasGarbage = hasGarbage;
    this.#begin = timeline.cells.first.slice(0, -1);
  }

  /** Nothing before `instant` will be asked for again: only then cells with many versions are fast. */
  forget(cell: number, instant: number): void {
    const end = this.timeline.cells.first[cell + 1] ?? 0;
    let begin = this.#begin[cell] ?? 0;
    while (begin < end && (this.timeline.until[begin] ?? 0) <= instant) begin++;
    this.#begin[cell] = begin;
  }

  /** The versions that `cell` may have, ascending; at least one. */
  versions(cell: number, instant: number): number[] {
    const { timeline } = this;
    const found = instant < (timeline.baseUntil[cell] ?? 0) ? [0] : [];
    for (const slot of this.slots(cell, instant)) {
      const version = timeline.version[slot] ?? 0;
      if (!found.includes(version)) found.push(version);
    }
    for (const version of this.#garbage(cell, instant)) {
      if (!found.includes(version)) found.push(version);
    }
    return found.sort((a, b) => a - b);
  }

  /** The slots of `cell` that are legal. */
  slots(cell: number, instant: number): number[] {
    const { timeline } = this;
    const end = timeline.cells.first[cell + 1] ?? 0;
    const found: number[] = [];
    for (let slot = this.#begin[cell] ?? 0; slot < end; slot++) {
      if ((timeline.from[timeline.cells.command[slot] ?? 0] ?? 0) > instant) break;
      if (instant < (timeline.until[slot] ?? 0)) found.push(slot);
    }
    return found;
  }

  /** The pieces at `cell` that are legal there at some instant from `first` to `last`. */
  piecesAt(cell: number, first: number, last: number): number[] {
    const { pieces, timeline } = this;
    if (pieces === undefined) return [];
    const end = timeline.cells.first[cell + 1] ?? 0;
    const found: number[] = [];
    for (let slot = this.#begin[cell] ?? 0; slot < end; slot++) {
      if ((timeline.from[timeline.cells.command[slot] ?? 0] ?? 0) > last) break;
      if (first < (timeline.until[slot] ?? 0)) found.push(pieces.of[slot] ?? 0);
    }
    return found;
  }

  /** @param cells ascending; those that are connected are all of them or none. */
  components(cells: readonly number[], instant: number): Component[] {
    return atOnce(this.componentsInSteps(cells, instant));
  }

  *componentsInSteps(cells: readonly number[], instant: number): Steps<Component[]> {
    const isOpen = yield* mapped(cells, (cell) => this.versions(cell, instant).length > 1);
    const open = cells.filter((_, at) => isOpen[at]);
    if (this.pieces !== undefined) return yield* this.#connected(open, instant, this.pieces);
    return yield* mapped(open, (cell) => ({
      cells: [cell],
      outcomes: Outcomes.ofOneCell(this.versions(cell, instant)),
    }));
  }

  #garbage(cell: number, instant: number): number[] {
    if (!this.#hasGarbage) return [];
    const { timeline } = this;
    const isInFlight = this.slots(cell, instant).some((slot) => timeline.isInFlight(slot, instant));
    return isInFlight ? [ZEROS, RANDOM].map((content) => timeline.versionOf(cell, content)) : [];
  }

  *#connected(open: readonly number[], instant: number, pieces: Pieces): Steps<Component[]> {
    const last = new Map<number, number>();
    for (const [at, cell] of open.entries()) {
      for (const slot of this.slots(cell, instant)) last.set(pieces.of[slot] ?? 0, cell);
      if (at % PER_STEP === 0) yield;
    }
    const components: Component[] = [];
    let current: number[] = [];
    let reach = -1;
    const end = (): void => {
      if (current.length > 0) components.push(this.#component(current, instant, pieces, last));
      current = [];
    };
    for (const [at, cell] of open.entries()) {
      if (at % CELLS_PER_STEP === 0) yield;
      if (cell > reach) end();
      current.push(cell);
      reach = Math.max(reach, cell);
      for (const slot of this.slots(cell, instant)) {
        reach = Math.max(reach, last.get(pieces.of[slot] ?? 0) ?? 0);
      }
    }
    end();
    return components;
  }

  #component(
    cells: readonly number[],
    instant: number,
    pieces: Pieces,
    last: ReadonlyMap<number, number>,
  ): Component {
    const [only] = cells;
    if (cells.length === 1 && only !== undefined) {
      return { cells, outcomes: Outcomes.ofOneCell(this.versions(only, instant)) };
    }
    const { timeline } = this;
    const places = new Map(cells.map((cell, at) => [cell, at]));
    const numbers = new Map<number, number>();
    const inside: number[] = [];
    const parts = cells.map((cell): ComponentCell => {
      const live: Shown[] = [];
      const begin: number[] = [];
      for (const slot of this.slots(cell, instant)) {
        const piece = pieces.of[slot] ?? 0;
        const number = numbers.get(piece) ?? inside.push(piece) - 1;
        if (!numbers.has(piece)) begin.push(number);
        numbers.set(piece, number);
        live.push({ piece: number, version: timeline.version[slot] ?? 0 });
      }
      const hasBase = instant < (timeline.baseUntil[cell] ?? 0);
      return { live, begin, hasBase, always: this.#garbage(cell, instant) };
    });
    const described = inside.map((piece) => {
      const command = pieces.command[piece] ?? 0;
      const one = timeline.log.commands[command];
      return {
        arrived: one?.arrived ?? 0,
        answered: one?.answered ?? 0,
        isPinned: (timeline.pins[command] ?? 0) <= instant,
        last: places.get(last.get(piece) ?? 0) ?? 0,
      };
    });
    return { cells, outcomes: outcomesOf(described, parts) };
  }
}
