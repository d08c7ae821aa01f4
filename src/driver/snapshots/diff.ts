/** Which sectors of two images differ. What both share is not read. Source: crash.md section 1. */

import type { SlabAllocator } from '../../pages/allocator.ts';
import { PAGE_BYTES, SECTORS_PER_SLAB, SLAB_BYTES } from '../../pages/slab.ts';
import type { Work } from '../../time/slicer.ts';
import { type Bytes, SECTOR_BYTES, type Sector } from '../../units.ts';
import type { Readable } from '../path.ts';
import { readable } from './content.ts';
import type { DeviceImage } from './device-image.ts';

/** Sectors. */
export interface Run {
  readonly first: number;
  readonly sectors: number;
}

export interface DiffPair {
  readonly a: DeviceImage;
  readonly b: DeviceImage;
  /** Of the longer one; the other one ends with zeros. */
  readonly capacity: Bytes;
}

/** In order, those that touch as one. */
export function* diff({ a, b, capacity }: DiffPair, allocator: SlabAllocator): Work<Run[]> {
  const runs: Run[] = [];
  const [ofA, ofB] = [readable(a, allocator, capacity), readable(b, allocator, capacity)];
  const buffers = [new Uint8Array(SLAB_BYTES), new Uint8Array(SLAB_BYTES)] as const;
  const end = Math.ceil(capacity / SLAB_BYTES);
  for (let index = nextHeld(a, b, 0, end); index < end; index = nextHeld(a, b, index, end)) {
    const skipTo = sharedUpTo(a, b, index);
    if (skipTo > index) {
      index = skipTo;
    } else {
      compare(ofA, ofB, index, capacity, buffers, runs);
      index++;
    }
    yield;
  }
  return runs;
}

/** The first extent from `from` on of which either holds something, or `end`. */
function nextHeld(a: DeviceImage, b: DeviceImage, from: number, end: number): number {
  let least = end;
  for (const held of [a.data?.table, b.data?.table]) {
    const found = held?.next(from, end) ?? -1;
    if (found >= 0) least = Math.min(least, found);
  }
  for (const held of [a.cache, b.cache]) {
    const found = held?.nextExtent(from, end) ?? -1;
    if (found >= 0) least = Math.min(least, found);
  }
  return least;
}

/** Behind the extents from `index` on that both share; `index`: it is not shared. */
function sharedUpTo(a: DeviceImage, b: DeviceImage, index: number): number {
  if (a.cache?.group(index) !== b.cache?.group(index)) return index;
  if (a.data === undefined || b.data === undefined) return index;
  const cached = a.cache !== undefined || b.cache !== undefined;
  if (!cached && a.data.table.sharesLeaf(b.data.table, index)) return a.data.table.endOfLeaf(index);
  return a.data.table.get(index) === b.data.table.get(index) ? index + 1 : index;
}

function compare(
  a: Readable,
  b: Readable,
  index: number,
  capacity: number,
  [ofA, ofB]: readonly [Uint8Array, Uint8Array],
  into: Run[],
): void {
  const base = index * SECTORS_PER_SLAB;
  const length = Math.min(SLAB_BYTES, capacity - base * SECTOR_BYTES);
  const whole = Math.ceil(length / SECTOR_BYTES) * SECTOR_BYTES;
  a.read(base as Sector, ofA, 0, whole); // within the longer one
  b.read(base as Sector, ofB, 0, whole); // likewise
  if (differs(ofA, ofB, 0, whole)) {
    for (let at = 0; at < whole; at += PAGE_BYTES) {
      const end = Math.min(whole, at + PAGE_BYTES);
      if (!differs(ofA, ofB, at, end)) continue;
      for (let sector = at; sector < end; sector += SECTOR_BYTES) {
        if (!differs(ofA, ofB, sector, sector + SECTOR_BYTES)) continue;
        add(into, base + sector / SECTOR_BYTES);
      }
    }
  }
}

function differs(a: Uint8Array, b: Uint8Array, from: number, end: number): boolean {
  return Buffer.compare(a.subarray(from, end), b.subarray(from, end)) !== 0;
}

function add(runs: Run[], sector: number): void {
  const last = runs.at(-1);
  if (last !== undefined && last.first + last.sectors === sector) {
    runs[runs.length - 1] = { first: last.first, sectors: last.sectors + 1 };
  } else {
    runs.push({ first: sector, sectors: 1 });
  }
}
