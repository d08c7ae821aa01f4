/** The device in cells, and the versions of each: what the base holds there and what each command puts there, in
 *  order of arrival. A cell is a block, or a sector where commands do not keep to blocks. Cells that data was
 *  never written to are left out, unless asked for: they are zeros whatever happens. Cells are named by their place in
 *  this list. Knows nothing of when something is legal. */

import { Command } from '../journal/format.ts';
import { SECTOR_BYTES } from '../units.ts';
import { ComplexityError } from './complexity-error.ts';
import { Contents, ZEROS } from './contents.ts';
import type { CrashLog, DataCommand } from './log.ts';
import { atOnce, mapped, PER_STEP, type Steps } from './steps.ts';

/** Blocks whose bytes are looked at in a step. */
const CONTENTS_PER_STEP = 8;
/** A record of 48 bytes can zero a whole device. Where each of its blocks has versions of its own, more would take
 *  minutes; blocks that have data are limited by the file's length. */
const ZEROED_MAX = 2 ** 20;

export interface Cells {
  readonly contents: Contents;
  /** Bytes of a cell. */
  readonly bytes: number;
  /** Of each cell, its number on the device; ascending. */
  readonly place: Float64Array;
  readonly base: Int32Array;
  /** The slots of cell u are those from first[u] up to first[u + 1]. */
  readonly first: Int32Array;
  /** Of each slot, whose version it is. */
  readonly command: Int32Array;
  readonly content: Int32Array;
  /** Of each command, its cells: from low up to high, which is none of them. */
  readonly low: Int32Array;
  readonly high: Int32Array;
}

/** Bytes of a cell. */
export function cellBytes(log: CrashLog): number {
  return isAligned(log) ? log.header.block : SECTOR_BYTES;
}

/** @param hasZeros cells that were only zeroed are here, too. */
export function makeCells(log: CrashLog, hasZeros: boolean): Cells {
  return atOnce(cellsOf(log, hasZeros));
}

/** The same in steps. @param only the cells with these numbers. */
export function* cellsOf(
  log: CrashLog,
  hasZeros: boolean,
  only?: ReadonlySet<number>,
): Steps<Cells> {
  const bytes = cellBytes(log);
  const contents = new Contents(bytes);
  const base = yield* baseContents(log, contents);
  const place =
    only === undefined ? placesOf(log, bytes, base, hasZeros) : Float64Array.from(only).sort();
  const { commands } = log;
  yield;
  const low = Int32Array.from(
    yield* mapped(commands, (one) => lowerBound(place, firstCell(one, bytes))),
  );
  const high = Int32Array.from(
    yield* mapped(commands, (one) => lowerBound(place, endCell(one, bytes))),
  );
  const first = new Int32Array(place.length + 1);
  let done = 0;
  for (let one = 0; one < commands.length; one++) {
    for (let cell = low[one] ?? 0; cell < (high[one] ?? 0); cell++) {
      first[cell + 1] = (first[cell + 1] ?? 0) + 1;
      if (++done % PER_STEP === 0) yield;
    }
  }
  for (let cell = 0; cell < place.length; cell++) {
    first[cell + 1] = (first[cell + 1] ?? 0) + (first[cell] ?? 0);
  }
  const slots = first[place.length] ?? 0;
  const [command, content] = [new Int32Array(slots), new Int32Array(slots)];
  const next = first.slice();
  for (const [one, written] of commands.entries()) {
    const { data } = written;
    const begin = firstCell(written, bytes);
    for (let cell = low[one] ?? 0; cell < (high[one] ?? 0); cell++) {
      const slot = next[cell] ?? 0;
      next[cell] = slot + 1;
      command[slot] = one;
      const at = ((place[cell] ?? 0) - begin) * bytes;
      content[slot] = data.length === 0 ? ZEROS : contents.number(data.subarray(at, at + bytes));
      if (++done % CONTENTS_PER_STEP === 0) yield;
    }
  }
  return {
    ...{ contents, bytes, place, first, command, content, low, high },
    base: Int32Array.from(yield* mapped(place, (one) => base.get(one) ?? ZEROS)),
  };
}

function isAligned({ header, commands }: CrashLog): boolean {
  const sectors = header.block / SECTOR_BYTES;
  return commands.every((one) => one.sector % sectors === 0 && one.sectors % sectors === 0);
}

function firstCell({ sector }: DataCommand, bytes: number): number {
  return sector / (bytes / SECTOR_BYTES);
}

function endCell({ sector, sectors }: DataCommand, bytes: number): number {
  return (sector + sectors) / (bytes / SECTOR_BYTES);
}

/** By number of a cell; its records may cover parts of cells. */
function* baseContents({ base }: CrashLog, contents: Contents): Steps<Map<number, number>> {
  const cells = new Map<number, Uint8Array>();
  const { bytes } = contents;
  for (const { sector, data } of base) {
    for (let done = 0; done < data.length; ) {
      const at = sector * SECTOR_BYTES + done;
      const [cell, inside] = [Math.floor(at / bytes), at % bytes];
      const part = data.subarray(done, done + bytes - inside);
      done += part.length;
      if (part.length === bytes) {
        cells.set(cell, part);
      } else {
        const whole = cells.get(cell)?.slice() ?? new Uint8Array(bytes);
        whole.set(part, inside);
        cells.set(cell, whole);
      }
    }
    yield;
  }
  const numbers = new Map<number, number>();
  for (const [cell, data] of cells) {
    numbers.set(cell, contents.number(data));
    if (numbers.size % CONTENTS_PER_STEP === 0) yield;
  }
  return numbers;
}

/** Where something else than zeros may be. */
function placesOf(
  log: CrashLog,
  bytes: number,
  base: Map<number, number>,
  hasZeros: boolean,
): Float64Array {
  const places = new Set<number>();
  for (const [cell, content] of base) if (content !== ZEROS) places.add(cell);
  let dataPlaces = places.size;
  for (const one of log.commands) {
    const isHere = one.data.length > 0 || (hasZeros && one.command === Command.writeZeroes);
    if (!isHere) continue;
    const end = endCell(one, bytes);
    const before = places.size;
    for (let cell = firstCell(one, bytes); cell < end; cell++) {
      places.add(cell);
      if (one.data.length === 0 && places.size - dataPlaces > ZEROED_MAX) throw tooManyZeroed();
    }
    if (one.data.length > 0) dataPlaces += places.size - before;
  }
  return Float64Array.from(places).sort();
}

function tooManyZeroed(): ComplexityError {
  return new ComplexityError(`more than ${ZEROED_MAX} blocks that write_zeroes may leave random`);
}

/** The first place that is not below `value`. */
export function lowerBound(places: Float64Array, value: number): number {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((places[middle] ?? value) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
