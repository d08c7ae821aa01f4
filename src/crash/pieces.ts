/** What of a command is there whole or not at all: in `whole` all of it, in `torn` and `garbage` its parts in
 *  aligned units of what the device writes atomically. Source: docs/crash.md, The contract. */

import type { Cells } from './cells.ts';
import { atOnce, PER_STEP, type Steps } from './steps.ts';

export interface Pieces {
  /** Of each slot, the piece that it belongs to. */
  readonly of: Int32Array;
  /** Of each piece, its command and its cells: from low up to high, which is none of them. */
  readonly command: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** @param unit of atomic writes, in bytes; undefined: commands are whole.
 *  @returns undefined where every piece is one cell. */
export function cutPieces(cells: Cells, unit: number | undefined): Pieces | undefined {
  return atOnce(piecesOf(cells, unit));
}

/** The same in steps. */
export function* piecesOf(cells: Cells, unit: number | undefined): Steps<Pieces | undefined> {
  if (unit === cells.bytes) return undefined;
  const cellsOfUnit = unit === undefined ? Number.POSITIVE_INFINITY : unit / cells.bytes;
  const of = new Int32Array(cells.command.length);
  const [command, low, high]: [number[], number[], number[]] = [[], [], []];
  const next = cells.first.slice();
  for (let one = 0; one < cells.low.length; one++) {
    let current = -1;
    for (let cell = cells.low[one] ?? 0; cell < (cells.high[one] ?? 0); cell++) {
      const at = Math.floor((cells.place[cell] ?? 0) / cellsOfUnit);
      if (at !== current) {
        current = at;
        command.push(one);
        low.push(cell);
        high.push(cell);
      }
      high[high.length - 1] = cell + 1;
      const slot = next[cell] ?? 0;
      next[cell] = slot + 1;
      of[slot] = command.length - 1;
    }
    if (one % PER_STEP === 0) yield;
  }
  return { of, command, low, high };
}
