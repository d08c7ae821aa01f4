/** The conditions and write pointers of a device's zones, in little memory. Knows no rules.
 *
 *  ZERO: a zone that is as it was at power on has zeros for both, in memory that was never touched, so that
 *  millions of zones are there at once and take no memory. */

import { bug } from '../../units.ts';
import { ZoneCondition, type ZoneOptions } from './zone.ts';

/** Zones whose pointers lie in one array of at most 128 KiB. */
const MOVES_SHIFT = 14;
const MOVES = 1 << MOVES_SHIFT;

export class ZoneStates {
  readonly #options: ZoneOptions;
  /** The initial values of sequential zones at power on. */
  readonly #begins: ZoneCondition;
  /** Conditions XOR those at power on. */
  readonly #changes: Uint8Array;
  /** Write pointers less those at power on, in sectors; made for many zones at a time, once one of them has
   *  moved. Taking all that memory at once would start a collection. */
  readonly #moves: (Float64Array | undefined)[];
  /** Those of them that others may have as well. */
  readonly #shared = new Set<Float64Array>();

  constructor(options: ZoneOptions, count: number, from?: ZoneStates) {
    this.#options = options;
    this.#begins = options.full ? ZoneCondition.FULL : ZoneCondition.EMPTY;
    this.#changes = from === undefined ? new Uint8Array(count) : from.#changes.slice();
    const moves = Math.ceil(count / MOVES);
    this.#moves =
      from === undefined ? new Array<undefined>(moves).fill(undefined) : from.#moves.slice();
  }

  /** The same zones for somebody who keeps them so. What either side moves from now on is copied first: of
   *  16 million zones the conditions are 16 MiB, and the pointers 128. */
  fork(): ZoneStates {
    for (const moves of this.#moves) if (moves !== undefined) this.#shared.add(moves);
    const other = new ZoneStates(this.#options, this.#changes.length, this);
    for (const moves of this.#shared) other.#shared.add(moves);
    return other;
  }

  condition(index: number): ZoneCondition {
    const change = this.#changes[index] ?? bug(`no zone ${index}`);
    return (change ^ this.#atPowerOn(index)) as ZoneCondition; // see setCondition
  }

  setCondition(index: number, to: ZoneCondition): void {
    this.#changes[index] = to ^ this.#atPowerOn(index);
  }

  /** The first sequential zone from `from` on whose condition differs from the one at power on, or -1: a scan
   *  of bytes, 100,000 of them in some 3 us. */
  find(condition: ZoneCondition, from: number): number {
    return this.#changes.indexOf(condition ^ this.#begins, from);
  }

  /** A sector, or NO_WRITE_POINTER. */
  pointer(index: number): number {
    const moved = this.#moves[index >>> MOVES_SHIFT]?.[index & (MOVES - 1)] ?? 0;
    return this.#pointerAtPowerOn(index) + moved;
  }

  setPointer(index: number, sector: number): void {
    const at = index >>> MOVES_SHIFT;
    let moves = this.#moves[at];
    if (moves === undefined) {
      moves = new Float64Array(Math.min(MOVES, this.#changes.length - at * MOVES));
      this.#moves[at] = moves;
    } else if (this.#shared.size > 0 && this.#shared.delete(moves)) {
      moves = moves.slice();
      this.#moves[at] = moves;
    }
    moves[index & (MOVES - 1)] = sector - this.#pointerAtPowerOn(index);
  }

  #atPowerOn(index: number): ZoneCondition {
    return index < this.#options.conventional ? ZoneCondition.NOT_WP : this.#begins;
  }

  /** A conventional zone shows its end. */
  #pointerAtPowerOn(index: number): number {
    const { capacity, conventional, full, zoneCapacitySectors, zoneSectors } = this.#options;
    const start = index * zoneSectors;
    if (index >= conventional && !full) return start;
    const end = Math.min(start + zoneSectors, capacity);
    return index < conventional ? end : Math.min(end, start + zoneCapacitySectors);
  }
}
