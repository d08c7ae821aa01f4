/** What lies where on a powered device, in cells of one length: what holds data, lies in the write cache, is bad,
 *  and the conditions of zones. Source: page.md section 1. */

import { Allocation, Extent, type Extents } from '../block/extents.ts';
import type { Work } from '../time/slicer.ts';
import type { NullDevice } from './null-device.ts';
import { ZoneCondition } from './zones/zone.ts';
import type { ZoneSet } from './zones/zone-set.ts';

export interface DeviceMap {
  /** The first sector. */
  readonly from: number;
  /** The last cell may be shorter, up to the end. */
  readonly sectorsPerCell: number;
  /** Sectors that hold data, by cell. What the cache has is data. */
  readonly data: readonly number[];
  /** Sectors that lie in the write cache. */
  readonly cached: readonly number[];
  readonly bad: readonly number[];
  /** Of the zones in a cell, the condition to look at first. Undefined: the device is not zoned. */
  readonly zones: readonly ZoneCondition[] | undefined;
}

/** Runs that are looked at in one piece: some 20 us. */
const RUNS_PER_PIECE = 64;

/** The later, the more one wants to see it. */
const ranks: readonly ZoneCondition[] = [
  ...[ZoneCondition.NOT_WP, ZoneCondition.EMPTY, ZoneCondition.FULL, ZoneCondition.CLOSED],
  ...[ZoneCondition.IMP_OPEN, ZoneCondition.EXP_OPEN],
  ...[ZoneCondition.READONLY, ZoneCondition.OFFLINE],
];

/** The cells from sector `from` on, as they are when they are reached. @param sectors as many as there are at most.
 *  @returns undefined: the device has no power, or lost it meanwhile. */
export function* mapOf(
  device: NullDevice,
  from: number,
  sectors: number,
  cells: number,
): Work<DeviceMap | undefined> {
  const { disk, cache, zones } = device;
  if (disk === undefined) return undefined;
  const begin = Math.min(from, disk.capacity);
  const end = Math.min(disk.capacity, begin + sectors);
  const step = Math.max(1, Math.ceil((end - begin) / cells));
  const isOn = (): boolean => device.disk === disk;
  const ranges = { begin, end, step, isOn };
  const data = yield* count(ranges, dataRuns(disk.extents));
  const held: Run = (at, to) => cache?.heldRun(at, to) ?? at - to;
  const cached = yield* count(ranges, held);
  const bad = yield* badIn(device, ranges);
  const conditions = zones && (yield* conditionsIn(zones, ranges));
  // What was counted afterwards is nobody's.
  if (!isOn()) return undefined;
  return { from: begin, sectorsPerCell: step, data, cached, bad, zones: conditions };
}

/** A run of sectors that count, as a positive length, or of others, as a negative one; up to `end`. */
type Run = (at: number, end: number) => number;

interface Ranges {
  readonly begin: number;
  readonly end: number;
  /** Sectors of a cell. */
  readonly step: number;
  readonly isOn: () => boolean;
}

function dataRuns(extents: Extents): Run {
  const extent = new Extent();
  return (at, end) => {
    extents.at(at, end, extent);
    return (extent.status & Allocation.HOLE) === 0 ? extent.sectors : -extent.sectors;
  };
}

/** Sectors that count, by cell. Stops when the device loses its power. */
function* count({ begin, end, step, isOn }: Ranges, run: Run): Work<number[]> {
  const found: number[] = [];
  let runs = 0;
  for (let cell = begin; cell < end; cell += step) {
    const stop = Math.min(end, cell + step);
    let sum = 0;
    for (let at = cell; at < stop; ) {
      const length = run(at, stop);
      if (length > 0) sum += length;
      at += Math.abs(length);
      if (++runs % RUNS_PER_PIECE !== 0) continue;
      yield;
      if (!isOn()) return found;
    }
    found.push(sum);
  }
  return found;
}

/** Of the list as it is now: what lies between its ranges is good. */
function* badIn({ badBlocks }: NullDevice, { begin, end, step }: Ranges): Work<number[]> {
  const cells = Math.ceil((end - begin) / step);
  const found = Array.from({ length: cells }, (_, cell) => {
    return Math.min(end, begin + (cell + 1) * step) - (begin + cell * step);
  });
  if (end <= begin) return found;
  let runs = 0;
  for (const [first, last] of badBlocks.snapshot().gaps(BigInt(begin), BigInt(end - 1))) {
    const [from, to] = [Number(first), Number(last) + 1];
    for (let cell = Math.floor((from - begin) / step); begin + cell * step < to; cell++) {
      const start = begin + cell * step;
      const good = Math.min(to, start + step) - Math.max(from, start);
      found[cell] = (found[cell] ?? 0) - good;
      if (++runs % RUNS_PER_PIECE === 0) yield;
    }
  }
  return found;
}

function* conditionsIn(zones: ZoneSet, { begin, end, step, isOn }: Ranges): Work<ZoneCondition[]> {
  const found: ZoneCondition[] = [];
  let looked = 0;
  for (let cell = begin; cell < end; cell += step) {
    const stop = Math.min(end, cell + step);
    let best = -1;
    for (let index = zones.indexOf(cell); index < zones.count; index++) {
      if (index < 0 || zones.start(index) >= stop) break;
      best = Math.max(best, ranks.indexOf(zones.condition(index)));
      if (++looked % RUNS_PER_PIECE !== 0) continue;
      yield;
      if (!isOn()) return found;
    }
    found.push(ranks[best] ?? ZoneCondition.NOT_WP);
  }
  return found;
}
