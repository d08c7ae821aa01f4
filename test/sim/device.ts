/** What the simulation knows of one device: its plan, what its data may be, when requests may fail, and how
 *  much it has to do. Knows no connection. */

import { BadSectors } from './bad-sectors.ts';
import { DiskModel, type Held } from './model.ts';
import type { DevicePlan } from './plan.ts';
import { type KnownZone, SimZones, type ZoneReport } from './zones.ts';

const SECOND = 1e9;
const MiB = 1 << 20;
/** Writes to the file of a journal of 64 MiB; each part of the base, of a cell or more, is another one. */
const FILE_WRITES_MAX = 200;
/** A slice of zeroes or of a discard. */
const LENT_BYTES = 4 * MiB;

/** A reason for which something may fail: it holds while it is open, and for what began before its end. */
export class Excuse {
  #open = 0;
  #last = -1;
  readonly #model: Pick<DiskModel, 'tick'>;

  /** @param model counts the ticks. */
  constructor(model: Pick<DiskModel, 'tick'>) {
    this.#model = model;
  }

  begin(): void {
    this.#open++;
  }

  end(): void {
    this.#open--;
    this.#last = this.#model.tick++;
  }

  get open(): boolean {
    return this.#open > 0;
  }

  /** Does it hold for what began at tick `since`? */
  holds(since: number): boolean {
    return this.#open > 0 || this.#last >= since;
  }
}

/** A write of a client that has gone: it may still be done, until the device has nothing of it any more. */
export type Orphan = () => void;

/** What is known of a snapshot. */
export interface Kept {
  readonly held: Held;
  readonly zones: readonly KnownZone[];
  /** As of the device. */
  readonly opened: boolean;
}

export class SimDevice {
  readonly plan: DevicePlan;
  readonly name: string;
  readonly model: DiskModel;
  /** It is there; between `power` calls also whether it is on. */
  exists = false;
  powered = false;
  /** While it is on, where it is zoned. */
  zones: SimZones | undefined;
  /** Zones were opened explicitly where only so many may be open. */
  opened = false;
  /** Zones as a cut has left them, while it is off. */
  #cutZones: readonly KnownZone[] | undefined;
  /** An operator appends to one of its zones. */
  appends = 0;
  /** An operator switches its power or removes it. */
  changing = false;
  /** Any request may fail: a fault, or no memory. */
  readonly failing: Excuse;
  /** Hardware queues may fail to start. */
  readonly queuesFailing: Excuse;
  /** There may be no memory. */
  readonly noMemory: Excuse;
  /** It goes: clients may be refused and sent away. */
  readonly leaving: Excuse;
  /** It goes by force: what is in flight fails. */
  readonly forced: Excuse;
  /** It has rules: any request may fail, connections may break, and of `ruledFrom` on it is not known
   *  what of a request is done, nor what a read shows. */
  readonly ruled: Excuse;
  readonly blockBytes: number;
  readonly sizeBytes: number;
  readonly cached: boolean;
  readonly zoned: boolean;
  readonly bad: BadSectors;
  /** Sectors of zones that are offline. */
  readonly offline: BadSectors;
  /** How often its cache was lost. */
  epoch = 0;
  /** Counts the beginnings and ends of rollbacks: odd during one. */
  rollbacks = 0;
  /** It keeps a journal, and what it does when that is full. */
  journal: 'stop' | 'fail' | undefined;
  /** The file to which that goes. */
  journalFile: string | undefined;
  /** By name. */
  readonly snapshots = new Map<string, Kept>();
  /** Requests and bytes of all clients and operators that have no answer yet. */
  requests = 0;
  bytes = 0;
  /** The same of all that ever came. */
  requestsEver = 0;
  bytesEver = 0;
  /** ns for which faults may have held up requests that were there already. */
  heldUpNs = 0;
  /** Faults that leave requests alone until their timeout. */
  timeouts = 0;
  requeues = 0;
  readonly orphans: Orphan[] = [];
  readonly #overheadNs: number;

  /** @param overheadNs what the machine takes for a request, at most. */
  constructor(plan: DevicePlan, seed: number, overheadNs: number) {
    this.plan = plan;
    this.#overheadNs = overheadNs;
    this.name = plan.name;
    const of = (name: string): number => Number(plan.attributes[name] ?? 0);
    this.zoned = of('zoned') === 1;
    this.model = new DiskModel(
      plan.cells,
      plan.cellBytes,
      of('memory_backed') === 1,
      seed,
      this.zoned,
    );
    this.failing = new Excuse(this.model);
    this.leaving = new Excuse(this.model);
    this.forced = new Excuse(this.model);
    this.ruled = new Excuse(this.model);
    this.queuesFailing = new Excuse(this.model);
    this.noMemory = new Excuse(this.model);
    this.blockBytes = of('blocksize');
    this.sizeBytes = of('size') * MiB;
    this.cached = of('cache_size') > 0;
    this.journal = this.#firstJournal();
    this.journalFile = this.#firstFile();
    const sectors = Math.ceil((plan.cells * plan.cellBytes) / 512);
    this.bad = new BadSectors(sectors, this.model);
    this.offline = new BadSectors(sectors, this.model);
  }

  /** The sector in which its part begins. */
  get baseSector(): number {
    return Math.floor(this.plan.base / 512);
  }

  /** Byte of the device from which on rules may change data: whole pages of its part lie before it, if
   *  there are any. */
  get ruledFrom(): number {
    const { base, cells, cellBytes } = this.plan;
    const unit = Math.max(4096, cellBytes);
    const from = Math.ceil((base + (cells * cellBytes) / 2) / unit) * unit;
    return from < base + cells * cellBytes ? from : Math.floor(base / 4096) * 4096;
  }

  /** May rules have left a part of it undone, or have shown something else? */
  mayBeRuled(offset: number, length: number, tick: number): boolean {
    return this.ruled.holds(tick) && (length === 0 || offset + length > this.ruledFrom);
  }

  #firstJournal(): 'stop' | 'fail' | undefined {
    if (this.attribute('journal') !== 1) return undefined;
    return this.plan.attributes['journal_full'] === 'fail' ? 'fail' : 'stop';
  }

  #firstFile(): string | undefined {
    const path = this.plan.attributes['journal_file'];
    return this.journal === undefined || path === undefined ? undefined : String(path);
  }

  /** ns that its journal may be on its way to its file. @param writeNs what a write takes at most. */
  fileNs(writeNs: number): number {
    if (this.journalFile === undefined) return 0;
    return (writeNs + this.#overheadNs) * (this.plan.cells + FILE_WRITES_MAX);
  }

  /** May it refuse what changes data, since nothing more can be written down? */
  get mayBeFull(): boolean {
    return this.journal === 'fail';
  }

  /** Blocks are written whole: what a journal makes of parts of them is no model of cells. */
  get mayKeepJournal(): boolean {
    const { base, cellBytes } = this.plan;
    return !this.zoned && cellBytes % this.blockBytes === 0 && base % this.blockBytes === 0;
  }

  attribute(name: string): number {
    return Number(this.plan.attributes[name] ?? 0);
  }

  get sharesTags(): boolean {
    return this.attribute('shared_tags') === 1;
  }

  /** ns in which all that it has to do must be done, after which nothing more came. */
  get workNs(): number {
    const depth = this.sharesTags ? 1 : this.attribute('hw_queue_depth');
    const delay = this.attribute('irqmode') === 2 ? this.attribute('completion_nsec') : 0;
    const requeued = this.requeues > 0 ? 40e6 : 0;
    const faulty = this.timeouts > 0 || this.failing.open ? 7 * SECOND : 0;
    const rate = this.attribute('mbps') * MiB;
    // What was answered may not be paid for yet: the limit lends a request, a slice at most.
    const passed = rate > 0 ? ((this.bytes + LENT_BYTES) / rate) * SECOND + 0.1 * SECOND : 0;
    const each = (delay + requeued + this.#overheadNs) * Math.max(1, this.requests);
    return passed + each + faulty * Math.ceil(this.requests / depth);
  }

  /** It has a request of `length` bytes to do. */
  begins(length: number): void {
    this.requests += this.requestsOf(length);
    this.bytes += length;
    this.requestsEver += this.requestsOf(length);
    this.bytesEver += length;
  }

  /** ns of all that it was ever given. */
  get everNs(): number {
    const rate = this.attribute('mbps') * MiB;
    const delay = this.attribute('irqmode') === 2 ? this.attribute('completion_nsec') : 0;
    const passed = rate > 0 ? (this.bytesEver / rate) * SECOND : 0;
    return passed + this.heldUpNs + (delay + this.#overheadNs) * this.requestsEver;
  }

  /** It has done one. */
  over(length: number): void {
    this.requests -= this.requestsOf(length);
    this.bytes -= length;
  }

  /** How many requests the device makes of `length` bytes at most. */
  requestsOf(length: number): number {
    const max = this.attribute('max_sectors') * 512;
    const perZone = this.zoned ? length / MiB + 1 : 0;
    return 2 + Math.ceil(length / (max > 0 ? Math.min(max, 4096) : 128 * 1024)) + perZone;
  }

  /** Power is on. @param report of its zones. */
  hasPower(report: () => ZoneReport): void {
    this.exists = this.powered = true;
    if (this.journal !== undefined) this.model.journalBegins();
    if (!this.zoned) return;
    this.zones = new SimZones(report);
    this.opened = false;
    const before = this.#cutZones;
    this.#cutZones = undefined;
    if (before !== undefined) return this.zones.became(before, 'a power cut', true);
    this.offline.wiped();
    // All are empty, whatever is in them; without them that is unknown again.
    const { model } = this;
    for (const { first, last } of this.zones.sequential) {
      model.endedConstant(
        'ones',
        first,
        last,
        model.beginConstant('ones', first, last),
        false,
        false,
      );
    }
  }

  /** Power is off: nothing is in flight, and what was in the cache is gone. */
  lostPower(): void {
    this.powered = false;
    this.settleOrphans();
    if (!this.cached) return;
    this.epoch++;
    this.model.lost();
  }

  /** The power was cut: the same, but zones are as they were. @param before as they were as it began. */
  wasCut(before: readonly KnownZone[] | undefined): void {
    this.#cutZones = before && this.zones?.untouched(before);
    this.lostPower();
  }

  /** Its zones are about to change as a whole, and any may be offline then. */
  beginZones(): void {
    const { zones, offline } = this;
    if (zones === undefined) return;
    zones.closed = true;
    zones.unsure();
    offline.begin(false, 0, offline.sectors);
    offline.begin(true, 0, offline.sectors);
  }

  endZones(): void {
    const { zones, offline } = this;
    if (zones === undefined) return;
    zones.closed = false;
    offline.end(false, 0, zones.conventionalEnd, true, true);
    for (const zone of zones.sequential) {
      const isOffline = zones.condemned(zone) === 'offline';
      offline.end(isOffline, zone.first, zone.last, true, true);
    }
  }

  /** Nothing of those who have gone is left: what was not done will never be. */
  settleOrphans(): void {
    for (const settle of this.orphans.splice(0)) settle();
  }

  /** The device was removed, and another one of its name is made. */
  wiped(): void {
    this.powered = false;
    this.settleOrphans();
    this.epoch++;
    this.model.wiped();
    this.journal = this.#firstJournal();
    this.journalFile = this.#firstFile();
    this.snapshots.clear();
    this.bad.wiped();
  }

  /** Is it sure when a request that began at `rollbacks` was done, before or after each rollback? */
  isInOrder(rollbacks: number): boolean {
    return rollbacks === this.rollbacks && rollbacks % 2 === 0;
  }

  /** May the range have met a bad sector, or a zone that is offline, since `tick`? */
  mayHitBad(offset: number, length: number, tick: number): boolean {
    const [first, end] = this.#sectors(offset, length);
    return this.bad.mayHit(first, end, tick) || this.offline.mayHit(first, end, tick);
  }

  /** Counts what may have made sectors good. */
  get clears(): number {
    return this.bad.clears + this.offline.clears;
  }

  /** Does it, unless the sector is cleared? */
  hitsBad(offset: number, length: number): boolean {
    if (this.bad.count === 0 && this.offline.count === 0) return false;
    const [first, end] = this.#sectors(offset, length);
    return this.bad.hits(first, end) || this.offline.hits(first, end);
  }

  /** Whole blocks around the range, in sectors from the base. */
  #sectors(offset: number, length: number): [number, number] {
    const block = this.blockBytes;
    const base = this.baseSector;
    const first = (Math.floor(offset / block) * block) / 512 - base;
    const end = (Math.ceil((offset + length) / block) * block) / 512 - base;
    return [first, end];
  }
}
