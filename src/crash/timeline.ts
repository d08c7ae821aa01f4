/** When each version of each cell is legal: from the instant at which its command has arrived until one later
 *  than it is durable. Versions of a cell with equal content have one number: 0 if it is the base's, else
 *  1 + the place of the first of them in order of arrival. Source: docs/crash.md, The contract. */

import { Command } from '../journal/format.ts';
import type { Cells } from './cells.ts';
import { ZEROS } from './contents.ts';
import type { CrashLog } from './log.ts';
import { atOnce, type Steps } from './steps.ts';

/** The content of a block that holds what nobody wrote: no number of `Contents`. */
export const RANDOM = -1;

/** Cells filled, or commands, in a step. */
const CELLS_PER_STEP = 16;

export class Timeline {
  readonly log: CrashLog;
  readonly cells: Cells;
  /** Of instants; as an instant it means never. */
  readonly count: number;
  /** Of each command: the first instant at which it has arrived, at which it is durable, and at which it takes
   *  away what came before it: never for discards. */
  readonly from: Int32Array;
  readonly durable: Int32Array;
  readonly pins: Int32Array;
  /** Of each slot, and of the base of each cell: the first instant at which it is legal no more. */
  readonly until: Int32Array;
  readonly baseUntil: Int32Array;
  /** Of each slot. */
  readonly version: Int32Array;

  /** Use `of` or `inSteps`. */
  private constructor(log: CrashLog, cells: Cells) {
    this.log = log;
    this.cells = cells;
    this.count = log.instants.length;
    const { commands } = log;
    this.from = new Int32Array(commands.length);
    this.durable = new Int32Array(commands.length);
    this.pins = new Int32Array(commands.length);
    this.until = new Int32Array(cells.command.length);
    this.baseUntil = new Int32Array(cells.place.length);
    this.version = new Int32Array(cells.command.length);
  }

  static of(log: CrashLog, cells: Cells): Timeline {
    return atOnce(Timeline.inSteps(log, cells));
  }

  static *inSteps(log: CrashLog, cells: Cells): Steps<Timeline> {
    const made = new Timeline(log, cells);
    for (const [one, { command, arrived, durable }] of log.commands.entries()) {
      const instant = made.#instantAfter(durable);
      made.from[one] = made.#instantAfter(arrived);
      made.durable[one] = instant;
      made.pins[one] = command === Command.discard ? made.count : instant;
      if (one % CELLS_PER_STEP === 0) yield;
    }
    for (let cell = 0; cell < cells.place.length; cell++) {
      made.#fillUntil(cell);
      made.#fillVersions(cell);
      if (cell % CELLS_PER_STEP === 0) yield;
    }
    return made;
  }

  isLive(slot: number, instant: number): boolean {
    const from = this.from[this.cells.command[slot] ?? 0] ?? 0;
    return from <= instant && instant < (this.until[slot] ?? 0);
  }

  /** The version may still be on its way to the disk. A discard sends nothing there. */
  isInFlight(slot: number, instant: number): boolean {
    const command = this.cells.command[slot] ?? 0;
    if (this.log.commands[command]?.command === Command.discard) return false;
    return this.isLive(slot, instant) && instant < (this.durable[command] ?? 0);
  }

  /** The number that `content` has as a version of `cell`; of what no command puts there, those of the
   *  model garbage, it is behind all others. */
  versionOf(cell: number, content: number): number {
    const { base, first, content: contents } = this.cells;
    if (base[cell] === content) return 0;
    const [begin, end] = [first[cell] ?? 0, first[cell + 1] ?? 0];
    for (let slot = begin; slot < end; slot++) {
      if (contents[slot] === content) return slot - begin + 1;
    }
    return content === RANDOM ? end - begin + 2 : end - begin + 1;
  }

  contentOf(cell: number, version: number): number {
    const { base, first, content } = this.cells;
    const [begin, end] = [first[cell] ?? 0, first[cell + 1] ?? 0];
    if (version === 0) return base[cell] ?? ZEROS;
    if (version > end - begin) return version === end - begin + 1 ? ZEROS : RANDOM;
    return content[begin + version - 1] ?? ZEROS;
  }

  /** The first instant before which `time` lies. */
  #instantAfter(time: number): number {
    const { instants } = this.log;
    let [low, high] = [0, instants.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((instants[middle] ?? time) > time) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** A version is gone when one that arrived after its answer is durable. */
  #fillUntil(cell: number): void {
    const { first, command } = this.cells;
    const [begin, end] = [first[cell] ?? 0, first[cell + 1] ?? 0];
    // Of each slot and all behind it, the first to be pinned.
    const soonest = new Int32Array(end - begin + 1).fill(this.count);
    for (let slot = end - 1; slot >= begin; slot--) {
      const pins = this.pins[command[slot] ?? 0] ?? 0;
      soonest[slot - begin] = Math.min(pins, soonest[slot - begin + 1] ?? 0);
    }
    this.baseUntil[cell] = soonest[0] ?? 0;
    for (let slot = begin; slot < end; slot++) {
      const { answered = 0, isNever = false } = this.log.commands[command[slot] ?? 0] ?? {};
      if (isNever) continue; // until 0: at no instant
      let [low, high] = [slot + 1, end];
      while (low < high) {
        const middle = (low + high) >>> 1;
        const arrived = this.log.commands[command[middle] ?? 0]?.arrived ?? 0;
        if (arrived > answered) high = middle;
        else low = middle + 1;
      }
      this.until[slot] = soonest[low - begin] ?? 0;
    }
  }

  #fillVersions(cell: number): void {
    const { base, first, content } = this.cells;
    const [begin, end] = [first[cell] ?? 0, first[cell + 1] ?? 0];
    const numbers = new Map<number, number>([[base[cell] ?? ZEROS, 0]]);
    for (let slot = begin; slot < end; slot++) {
      const one = content[slot] ?? ZEROS;
      const number = numbers.get(one) ?? slot - begin + 1;
      numbers.set(one, number);
      this.version[slot] = number;
    }
  }
}
