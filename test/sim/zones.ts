/** A zoned device's sequential zones, as those who write them share them: one writer for each zone at a time,
 *  who keeps to the write pointer. Where nothing is under way the device's report must agree. */

import type { ZoneInfo } from '../../src/driver/zones/zone.ts';
import { Found } from './failure.ts';

const EMPTY = 1;
const OPEN = [2, 3];
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
  /** How often somebody began to write or manage it. */
  claims = 0;

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

/** What others do to a zone leaves this of its condition as it is: one that is open may be closed. */
type Lasting = 'written' | 'full' | 'read-only' | 'offline';

/** A zone that nobody was at. */
export interface KnownZone {
  readonly index: number;
  readonly claims: number;
  readonly pointer: number;
  readonly lasting: Lasting;
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
  /** They change as a whole: nobody begins anything with one. */
  closed = false;
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
    if (this.closed) return false;
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
    zone.claims++;
    return true;
  }

  /** Those that nobody is at, as they are. */
  idle(): KnownZone[] {
    return this.sequential.filter(({ busy }) => busy === 0).map((zone) => this.#known(zone));
  }

  /** Of `before`, those that nobody has been at since. */
  untouched(before: readonly KnownZone[]): KnownZone[] {
    const here = new Map(this.sequential.map((zone) => [zone.index, zone]));
    return before.filter(({ index, claims }) => {
      const zone = here.get(index);
      return zone?.busy === 0 && zone.claims === claims;
    });
  }

  /** Nobody knows where each is to be written: only those who look. */
  unsure(): void {
    for (const zone of this.sequential) zone.sure = false;
  }

  /** They have become what is known of `before`. @param why they have. @param closed none is open. @throws Found. */
  became(before: readonly KnownZone[], why: string, closed: boolean): void {
    const known = new Map(before.map((one) => [one.index, one]));
    for (const zone of this.sequential) {
      const was = known.get(zone.index);
      if (was === undefined || zone.busy > 0) continue;
      const is = this.#known(zone);
      const { condition } = this.#report().info(zone.index);
      const isOpen = closed && OPEN.includes(condition);
      if (isOpen || is.pointer !== was.pointer || is.lasting !== was.lasting) {
        const now = `${is.lasting} ${is.pointer}${isOpen ? ' and open' : ''}`;
        const text = `zone ${zone.index} after ${why}: ${now}, not ${was.lasting} ${was.pointer}`;
        throw new Found('data', text);
      }
    }
  }

  #known({ index, claims }: SimZone): KnownZone {
    const { writePointer: pointer, condition } = this.#report().info(index);
    const lasting = lastingOf(condition);
    return { index, claims, pointer, lasting };
  }
}

function lastingOf(condition: number): Lasting {
  if (condition === OFFLINE) return 'offline';
  if (condition === READONLY) return 'read-only';
  return condition === FULL ? 'full' : 'written';
}
