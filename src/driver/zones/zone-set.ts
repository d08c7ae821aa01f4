/** The zones of one device since it was powered on: conditions, write pointers, and what each operation does
 *  to them. It moves no data, but discards those of a reset zone; requests are in zone-rules.ts. All
 *  operations cost O(1), also making the set; exceptions are reset all, which runs in pieces, and the search
 *  for a zone to close.
 *  Source: driver.md section 6.
 *
 *  COUNTS: the open and active counts are those of the conditions, since only #become changes either.
 *  POINTER: start <= write pointer <= start + capacity for EMPTY, open, closed and written-full zones
 *  (EMPTY: start; written-full: start + capacity); start + length when finished or conventional;
 *  -1 when READONLY or OFFLINE. */

import { Status } from '../../block/status.ts';
import { ErrnoError } from '../../config/errors.ts';
import type { Work } from '../../time/slicer.ts';
import { bug, type Sector } from '../../units.ts';
import { ZoneResources } from './resources.ts';
import {
  type Action,
  onClose,
  onFinish,
  onOpen,
  onReset,
  onResetAll,
  onWrite,
} from './transitions.ts';
import {
  NO_WRITE_POINTER,
  ZoneCondition,
  type ZoneInfo,
  type ZoneOptions,
  ZoneType,
} from './zone.ts';
import { ZoneStates } from './zone-states.ts';

const { NOT_WP, EMPTY, IMP_OPEN, EXP_OPEN, CLOSED, READONLY, FULL, OFFLINE } = ZoneCondition;

/** Up to nine bytes of state for each: 144 MiB. null_blk takes more for fewer zones. */
const ZONES_MAX = 2 ** 24;

/** A piece of some 20 us. */
const LOOKED_AT_PER_PIECE = 4096;
const RESETS_PER_PIECE = 64;

export type FailingCondition = 'read-only' | 'offline';
const failing = {
  'read-only': READONLY,
  offline: OFFLINE,
} as const satisfies Record<FailingCondition, ZoneCondition>;

/** Gives the memory of whole zones back. False: there is no memory to do it with. */
export type DiscardZone = (sector: Sector, sectors: Sector) => boolean;

/** All zones at one moment. */
export interface FrozenZones {
  readonly options: ZoneOptions;
  readonly states: ZoneStates;
  readonly resources: ZoneResources;
  readonly lastClosed: number;
}

export class ZoneSet {
  readonly options: ZoneOptions;
  readonly count: number;
  /** Hears of each zone that has another condition. Undefined: nobody listens. */
  onChanged: ((index: number, from: ZoneCondition, to: ZoneCondition) => void) | undefined =
    undefined;
  #states: ZoneStates;
  #resources: ZoneResources;
  readonly #discard: DiscardZone;
  /** The zone that was last closed to make room; the search goes on behind it. */
  #lastClosed: number;

  /** @throws ErrnoError ENOMEM when there are more zones than can be kept. */
  constructor(options: ZoneOptions, discard: DiscardZone) {
    this.options = options;
    this.count = Math.ceil(options.capacity / options.zoneSectors);
    if (this.count > ZONES_MAX)
      throw new ErrnoError('ENOMEM', `${this.count} zones are more than ${ZONES_MAX}`, 'zone_size');
    if (options.conventional >= this.count) bug(`no zone of ${this.count} is sequential`);
    this.#states = new ZoneStates(options, this.count);
    this.#resources = resourcesAtPowerOn(options, this.count);
    this.#discard = discard;
    this.#lastClosed = options.conventional - 1;
  }

  /** As they are now, for somebody who keeps them so. */
  freeze(): FrozenZones {
    return {
      options: this.options,
      states: this.#states.fork(),
      resources: this.#resources.fork(),
      lastClosed: this.#lastClosed,
    };
  }

  /** They are as they were; as at power on, where those were other zones or there were none. */
  thaw(frozen: FrozenZones | undefined): void {
    const { options } = this;
    if (frozen !== undefined && isSame(options, frozen.options)) {
      this.#states = frozen.states.fork();
      this.#resources = frozen.resources.fork();
      this.#lastClosed = frozen.lastClosed;
    } else {
      this.#states = new ZoneStates(options, this.count);
      this.#resources = resourcesAtPowerOn(options, this.count);
      this.#lastClosed = options.conventional - 1;
    }
  }

  /** The power is cut: what is open is not any more, and no pointer moves. */
  closeAll(): void {
    for (const condition of [IMP_OPEN, EXP_OPEN]) {
      let index = this.#states.find(condition, this.options.conventional);
      for (; index >= 0; index = this.#states.find(condition, index)) this.#close(index);
    }
  }

  get openCount(): number {
    return this.#resources.open;
  }

  get activeCount(): number {
    return this.#resources.active;
  }

  /** How many zones are in that condition. */
  countOf(condition: ZoneCondition): number {
    return this.#resources.in(condition);
  }

  /** The zone that holds `sector`; negative if there is none. */
  indexOf(sector: number): number {
    const { capacity, zoneSectors } = this.options;
    return sector < capacity ? Math.floor(sector / zoneSectors) : -1;
  }

  start(index: number): Sector {
    return (index * this.options.zoneSectors) as Sector; // a zone begins at a sector
  }

  /** Shorter for the last zone of a device that is not a multiple of the zone size. */
  length(index: number): Sector {
    const { capacity, zoneSectors } = this.options;
    return Math.min(zoneSectors, capacity - index * zoneSectors) as Sector; // to a zone's end
  }

  /** How many sectors of the zone can be written. */
  capacity(index: number): Sector {
    const length = this.length(index);
    if (this.condition(index) === NOT_WP) return length;
    return Math.min(length, this.options.zoneCapacitySectors) as Sector; // of two sector counts
  }

  condition(index: number): ZoneCondition {
    return this.#states.condition(index);
  }

  writePointer(index: number): number {
    return this.#states.pointer(index);
  }

  info(index: number): ZoneInfo {
    const condition = this.condition(index);
    return {
      start: this.start(index),
      length: this.length(index),
      capacity: this.capacity(index),
      writePointer: this.writePointer(index),
      type: condition === NOT_WP ? ZoneType.CONVENTIONAL : ZoneType.SEQWRITE_REQ,
      condition,
    };
  }

  /** At most `most` zones, from the one that holds `sector` on; none past the end. */
  report(sector = 0, most = Number.POSITIVE_INFINITY): ZoneInfo[] {
    const zones: ZoneInfo[] = [];
    const first = this.indexOf(sector);
    if (first < 0) return zones;
    const end = Math.min(this.count, first + most);
    for (let index = first; index < end; index++) zones.push(this.info(index));
    return zones;
  }

  /** Opens the zone for a write of `sectors` at `sector`. Any status other than OK: nothing changed.
   *  The caller then writes, and calls `wrote` with how much. */
  beginWrite(index: number, sector: number, sectors: number): Status {
    const condition = this.condition(index);
    const action = onWrite[condition];
    if (action === 'refuse') return Status.IOERR;
    if (action !== 'anywhere' && sector !== this.writePointer(index)) return Status.IOERR;
    if (sector + sectors > this.start(index) + this.capacity(index)) return Status.IOERR;
    if (action !== 'take') return Status.OK;
    const taken = this.#take(condition);
    if (taken === Status.OK) this.#become(index, IMP_OPEN);
    return taken;
  }

  /** `sectors` were written where `beginWrite` allowed it. */
  wrote(index: number, sectors: number): void {
    if (this.condition(index) === NOT_WP) return;
    const pointer = this.writePointer(index) + sectors;
    const end = this.start(index) + this.capacity(index);
    if (pointer > end) bug(`zone ${index}: written past its capacity`);
    this.#states.setPointer(index, pointer);
    if (pointer === end) this.#become(index, FULL);
  }

  open(index: number): Status {
    const condition = this.condition(index);
    const action = onOpen[condition];
    const status = this.#allow(action, condition);
    if (status === Status.OK && action !== 'leave') this.#become(index, EXP_OPEN);
    return status;
  }

  close(index: number): Status {
    const condition = this.condition(index);
    const action = onClose[condition];
    const status = this.#allow(action, condition);
    if (status === Status.OK && action !== 'leave') this.#close(index);
    return status;
  }

  finish(index: number): Status {
    const condition = this.condition(index);
    const status = this.#allow(onFinish[condition], condition);
    if (status !== Status.OK) return status;
    this.#become(index, FULL);
    this.#states.setPointer(index, this.start(index) + this.length(index));
    return Status.OK;
  }

  /** NOSPC: there was no memory to discard the zone's data with, and the zone is as before. */
  reset(index: number): Status {
    return onReset[this.condition(index)] === 'refuse' ? Status.IOERR : this.#empty(index);
  }

  /** Resets all sequential zones that can and need to be reset, each at once, all in pieces. Data written to
   *  a zone after its reset stay. NOSPC as for `reset`: other zones are reset. */
  *resetAll(): Work<Status> {
    let status: Status = Status.OK;
    let resets = 0;
    for (let index = this.options.conventional; index < this.count; index++) {
      if (index % LOOKED_AT_PER_PIECE === 0) yield;
      if (onResetAll[this.condition(index)] !== 'go') continue;
      if (this.#empty(index) !== Status.OK) status = Status.NOSPC;
      if (++resets % RESETS_PER_PIECE === 0) yield;
    }
    return status;
  }

  /** Makes the zone that holds `sector` read-only or offline, or EMPTY when it is that already.
   *  @returns false when no sequential zone holds `sector` (EINVAL).
   *  @throws ErrnoError ENOMEM when an emptied zone's data could not be discarded. */
  setCondition(sector: number, condition: FailingCondition): boolean {
    const index = this.indexOf(sector);
    if (index < this.options.conventional) return false;
    const wanted = failing[condition];
    if (this.condition(index) !== wanted) {
      this.#become(index, wanted);
      this.#states.setPointer(index, NO_WRITE_POINTER);
    } else if (this.#empty(index) !== Status.OK) {
      throw new ErrnoError('ENOMEM', `zone ${index}: no memory to discard its data`);
    }
    return true;
  }

  #become(index: number, to: ZoneCondition): void {
    const from = this.condition(index);
    this.#resources.moved(from, to);
    this.#states.setCondition(index, to);
    if (this.onChanged !== undefined && from !== to) this.onChanged(index, from, to);
  }

  /** Checks whether `action` may be carried out, and takes the resources that it needs. */
  #allow(action: Action, condition: ZoneCondition): Status {
    switch (action) {
      case 'refuse':
        return Status.IOERR;
      case 'take':
        return this.#take(condition);
      case 'leave':
      case 'go':
        return Status.OK;
    }
  }

  /** Makes room for one more open zone. */
  #take(condition: ZoneCondition): Status {
    switch (this.#resources.judge(condition)) {
      case 'go':
        return Status.OK;
      case 'close an implicitly open one':
        this.#closeOne();
        return Status.OK;
      case 'too many open':
        return Status.ZONE_OPEN_RESOURCE;
      case 'too many active':
        return Status.ZONE_ACTIVE_RESOURCE;
    }
  }

  /** Searches the zones from behind the last one: a scan of bytes, 100,000 of them in some 3 us. */
  #closeOne(): void {
    let index = this.#states.find(IMP_OPEN, this.#lastClosed + 1);
    if (index < 0) index = this.#states.find(IMP_OPEN, this.options.conventional);
    if (index < 0) bug('an implicitly open zone was counted, and there is none');
    this.#lastClosed = index;
    this.#close(index);
  }

  #close(index: number): void {
    this.#become(index, this.writePointer(index) === this.start(index) ? EMPTY : CLOSED);
  }

  /** The data first: if they cannot be discarded, the zone must not claim that they were. */
  #empty(index: number): Status {
    const start = this.start(index);
    if (!this.#discard(start, this.length(index))) return Status.NOSPC;
    this.#become(index, EMPTY);
    this.#states.setPointer(index, start);
    return Status.OK;
  }
}

function resourcesAtPowerOn(options: ZoneOptions, count: number): ZoneResources {
  const { maxOpen, maxActive, conventional, full } = options;
  return new ZoneResources(maxOpen, maxActive, [
    [NOT_WP, conventional],
    [full ? FULL : EMPTY, count - conventional],
  ]);
}

function isSame(one: ZoneOptions, other: ZoneOptions): boolean {
  return (
    one.capacity === other.capacity &&
    one.zoneSectors === other.zoneSectors &&
    one.zoneCapacitySectors === other.zoneCapacitySectors &&
    one.conventional === other.conventional &&
    one.maxOpen === other.maxOpen &&
    one.maxActive === other.maxActive &&
    one.full === other.full
  );
}
