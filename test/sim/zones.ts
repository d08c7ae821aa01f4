/** A zoned device's sequential zones, as those who write them share them: one writer for each zone at a time,
 *  who keeps to the write pointer. Where nothing is under way the device's report must agree. */

import type { ZoneInfo } from '../../src/driver/zones/zone.ts';
import { Found } from './failure.ts';

const EMPTY = 1;
const READONLY = 13;
const FULL = 14;
const OFFLINE = 15;

export class SimZone {
  readonly index: number;
  /** Cells; from `end` on nothing can be written. */
  readonly first: number;
  readonly end: number;
  readonly last: number;
  /** Where the next write goes, as far as `sure` says so. */
  pointer = 0;
  sure = false;
  /** Writes and calls under way, and whose they are. */
  busy = 0;
  /** The tick at which the first of them began. */
  busySince = 0;
  owner: object | undefined;

  constructor(index: number, { start, capacity, length }: ZoneInfo) {
    this.index = index;
    this.first = start;
    this.end = start + capacity;
    this.last = start + length;
  }

  /** One that was under way has ended. */
  ended(done: boolean): void {
    this.busy--;
    if (!done) this.sure = false;
  }
}

export interface ZoneReport {
  readonly count: number;
  info(index: number): ZoneInfo;
}

/** Cells are sectors. */
export class SimZones {
  /** Where the sequential ones begin. */
  readonly conventionalEnd: number;
  readonly sequential: readonly SimZone[];
  readonly #report: () => ZoneReport;

  /** @param report of the device while it is on. */
  constructor(report: () => ZoneReport) {
    this.#report = report;
    const { count } = report();
    const all = Array.from({ length: count }, (_, index) => report().info(index));
    const first = all.findIndex(({ type }) => type === 2);
    this.conventionalEnd = all[first]?.start ?? 0;
    this.sequential = all.flatMap((info, index) =>
      index < first ? [] : [new SimZone(index, info)],
    );
  }

  /** Which of the conditions that only an operator gives `zone` has, and only an operator takes. */
  condemned(zone: SimZone): 'read-only' | 'offline' | undefined {
    const { condition } = this.#report().info(zone.index);
    if (condition === OFFLINE) return 'offline';
    return condition === READONLY ? 'read-only' : undefined;
  }

  /** Of `range`, the zones that have no data once a reset of it is done. One of all zones leaves an empty
   *  one as it is, with what it had before a power off: unseen, until its write pointer is moved by force. */
  discarded(range: readonly SimZone[], what: 'reset' | 'reset-all'): SimZone[] {
    const report = this.#report();
    const all = what === 'reset-all' || range.length === report.count;
    return range.filter(({ index }) => !(all && report.info(index).condition === EMPTY));
  }

  /** May `owner` write there now, at `tick`? Then it knows the write pointer. @throws Found. */
  claim(zone: SimZone, owner: object, tick: number): boolean {
    if (zone.busy > 0) return zone.owner === owner && zone.sure;
    const { writePointer, condition } = this.#report().info(zone.index);
    if (condition === READONLY || condition === OFFLINE) return false;
    const pointer = condition === FULL ? zone.last : writePointer;
    if (zone.sure && pointer !== zone.pointer && zone.pointer < zone.end) {
      const text = `zone ${zone.index}: the write pointer is ${pointer}, not ${zone.pointer}`;
      throw new Found('data', text);
    }
    zone.pointer = pointer;
    zone.sure = true;
    zone.owner = owner;
    zone.busySince = tick;
    return true;
  }
}
