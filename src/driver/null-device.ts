/** The null block device as its directory in the control tree knows it: what survives power off (data, bad
 *  blocks, fault settings), and power. The path of its requests is in powered-device.ts.
 *  Source: driver.md sections 1 (power) and 4 to 7. */

import { Command } from '../block/command.ts';
import type { Disk } from '../block/disk.ts';
import type { IoStats } from '../block/io-stats.ts';
import { Status } from '../block/status.ts';
import type { TagSet } from '../block/tag-set.ts';
import { ErrnoError } from '../config/errors.ts';
import type { DeviceOptions } from '../config/parameters.ts';
import type { SharedDevice } from '../direct/shared-device.ts';
import type { DeferredWork } from '../time/deferred.ts';
import type { Slicer, Work } from '../time/slicer.ts';
import { bytes, sector } from '../units.ts';
import type { BadBlocks } from './badblocks.ts';
import { capacityOf } from './capabilities.ts';
import type { NullData } from './completion.ts';
import { type Outcome, outcome } from './control-requests.ts';
import { type DeviceCounts, deviceCounts } from './device-counts.ts';
import { DeviceLog } from './device-log.ts';
import {
  type DeviceStats,
  deviceStats,
  type InFlight,
  type Latencies,
  latenciesOf,
  requestsOf,
} from './device-stats.ts';
import { Fault, faultStream } from './faults.ts';
import type { Faults } from './gate.ts';
import { DeviceJournal } from './journal/device-journal.ts';
import type { LiveJournal } from './journal/live-journal.ts';
import { prepareQueues, setQueues } from './live-queues.ts';
import { deviceTags, orNoMemory } from './null-tag-set.ts';
import type { DeviceContext } from './parts.ts';
import { failAll, inFlightText, letEnd, type PowerOffHost } from './power-off.ts';
import { PoweredDevice } from './powered-device.ts';
import { betweenCommands } from './snapshots/between-commands.ts';
import { ruledDevice } from './snapshots/by-rule.ts';
import { DeviceContent } from './snapshots/device-content.ts';
import { type DeviceImage, endImage } from './snapshots/device-image.ts';
import { type CutReport, type CutWish, type Losing, PowerCuts } from './snapshots/power-cut.ts';
import { Snapshots } from './snapshots/snapshots.ts';
import { DeviceRules } from './struck/device-rules.ts';
import type { ZoneOperation } from './zone-requests.ts';
import type { ZoneSet } from './zones/zone-set.ts';

/** Slabs moved per turn while unused memory is given back. */
const TIDY_SLABS = 8;

/** What a device needs from the set of all devices. */
export interface DeviceHost {
  /** The lowest number that no powered device has. */
  takeIndex(): number;
  /** The device with that number is off. */
  giveIndex(index: number): void;
  /** For all devices' long work. */
  readonly slicer: Slicer;
  /** The tag set of all devices with shared_tags. */
  sharedTags(): TagSet<NullData>;
  /** Makes it in pieces, if there is none. @throws ErrnoError ENOMEM that names device `name`. */
  prepareSharedTags(name: string): Work;
  added(device: NullDevice): void;
  /** The device is not served any more. Resolves when the last request of its clients has ended. */
  removed(device: NullDevice): Promise<void>;
  /** Its clients end soon, with or without their replies. */
  hurry(device: NullDevice): void;
  /** Its clients' connections are reset, and nothing more is sent. */
  cut(device: NullDevice): void;
}

export class NullDevice implements DeferredWork {
  readonly name: string;
  readonly badBlocks: BadBlocks;
  readonly faults: Faults;
  readonly rules: DeviceRules;
  readonly log: DeviceLog;
  readonly snapshots: Snapshots;
  /** Called when a rule cuts the power: to be done at once, and undone. */
  onCut: (wish: CutWish) => void = () => {};
  /** The device's number: the lowest free one at power on; 0 before. */
  index = 0;
  raised = false;
  readonly context: DeviceContext;
  readonly #host: DeviceHost;
  readonly #content: DeviceContent;
  #powered: PoweredDevice | undefined;
  /** Kept until the next power on, or until the device goes. */
  readonly #journal: DeviceJournal;
  readonly #cuts: PowerCuts;
  readonly #clients: PowerOffHost = {
    removed: () => this.#host.removed(this),
    hurry: () => this.#host.hurry(this),
  };

  /** @param start the program's parameters, which give the faults their settings. */
  constructor(name: string, context: DeviceContext, host: DeviceHost, start: DeviceOptions) {
    this.name = name;
    this.context = context;
    this.#host = host;
    const fault = (kind: keyof Faults): Fault => {
      const made = new Fault(faultStream(context.faultSeed, name, kind), start[kind]);
      made.onChanged = () => this.recompose();
      return made;
    };
    this.faults = {
      timeout: fault('timeout'),
      requeue: fault('requeue'),
      init_hctx: fault('init_hctx'),
    };
    this.#content = new DeviceContent(context.allocator, host.slicer);
    this.badBlocks = this.#content.badBlocks;
    this.badBlocks.onEnabled = () => this.recompose();
    this.#journal = new DeviceJournal(name, context, host.slicer);
    this.#cuts = new PowerCuts(name, context, host.slicer);
    this.snapshots = new Snapshots(host.slicer, context.date ?? (() => new Date()));
    this.rules = new DeviceRules(context, () => this.recompose());
    this.log = new DeviceLog(name, context, () => this.recompose());
  }

  get powered(): boolean {
    return this.#powered !== undefined;
  }

  /** While it is powered on, if threads may read and write it themselves. */
  get shared(): SharedDevice | undefined {
    return this.#content.shared;
  }

  /** What clients have done since power on; undefined: nobody writes that down. */
  get journal(): LiveJournal | undefined {
    return this.#journal.live;
  }

  /** While it is powered on. */
  get disk(): Disk<NullData> | undefined {
    return this.#powered?.disk;
  }

  get zones(): ZoneSet | undefined {
    return this.#powered?.zones;
  }

  get cache(): PoweredDevice['cache'] {
    return this.#powered?.cache;
  }

  /** Makes what `powerOn` needs and takes long to make, in pieces. @throws ErrnoError ENOMEM. */
  *prepare(options: DeviceOptions): Work<TagSet<NullData> | undefined> {
    if (this.powered) return undefined;
    if (options.shared_tags) {
      yield* this.#host.prepareSharedTags(this.name);
      return undefined;
    }
    return yield* deviceTags(this.name, options, this.context);
  }

  /** Builds the device from `options` and shows it. @param ownTags what `prepare` made of them.
   *  @throws ErrnoError ENOMEM when a hardware queue or memory for the requests cannot be had. */
  powerOn(options: DeviceOptions, ownTags?: TagSet<NullData>): void {
    if (this.#powered !== undefined)
      throw new ErrnoError('EBUSY', `${this.name}: power is 1 already`);
    if (options.memory_backed) {
      const capacity = bytes(capacityOf(options));
      orNoMemory(this.name, () => this.#content.makeStore(capacity, this.context.makeStore));
    }
    const parts = {
      name: this.name,
      context: this.context,
      store: options.memory_backed ? this.#content.store : undefined,
      badBlocks: this.badBlocks,
      faults: this.faults,
      slicer: this.#host.slicer,
      tidy: this,
    };
    this.log.prepare(options.log);
    const tags = options.shared_tags ? this.#host.sharedTags() : ownTags;
    const powered = this.#journal.powerOn(options, parts.store, () =>
      orNoMemory(this.name, () => new PoweredDevice(options, parts, tags)),
    );
    const shared =
      parts.store !== undefined && powered.mayMoveBytesOnly
        ? this.context.share?.(capacityOf(options))
        : undefined;
    this.index = this.#host.takeIndex();
    this.#powered = powered;
    this.rules.powerOn(ruledDevice(this, powered, this.context, this.#host.slicer));
    this.log.powerOn(powered.disk);
    this.#content.powerOn(powered, shared);
    this.recompose();
    this.#host.added(this);
  }

  /** Shows the device no more, lets what is in flight end, and forgets what is volatile.
   *  @param force what is in flight fails with ENODEV instead. @param lose what becomes of all of it before. */
  async powerOff(force = false, lose?: Losing['lose']): Promise<void> {
    const powered = this.#powered;
    if (powered === undefined || powered.leaving) return;
    powered.leaving = true;
    if (force) this.rules.giveUp();
    this.recompose();
    // Requests that a fault or the bandwidth limit holds would succeed: nothing stops them any more.
    if (force) failAll(powered, this.#host.slicer);
    const ended = letEnd(this.name, powered, this.context, this.#clients);
    if (force) this.#clients.hurry();
    await ended;
    await this.#journal.complete();
    powered.disk.queue.exit();
    const { cache } = powered;
    await lose?.(cache, this.#content.store);
    if (cache !== undefined) await this.#host.slicer.run(cache.end());
    this.#content.powerOff();
    this.#powered = undefined;
    this.rules.powerOff();
    this.log.powerOff();
    this.#host.giveIndex(this.index);
  }

  /** Fails with ENODEV what power off waits for; without a power off it does nothing. */
  forcePowerOff(): void {
    if (this.#powered?.leaving !== true) return;
    this.rules.giveUp();
    failAll(this.#powered, this.#host.slicer);
    this.#clients.hurry();
  }

  /** The power is cut: what is in flight gets no reply, clients lose their connections, and what is not on the disk is
   *  lost or not, as `cut` says. Zones are as they were, but none is open. Then power is 0.
   *  @throws ErrnoError ENODEV, EINVAL when it takes a journal. */
  async cut(wish: CutWish): Promise<CutReport> {
    const powered = this.#powered;
    if (powered === undefined || powered.leaving) {
      throw new ErrnoError('ENODEV', `${this.name}: power is 0`);
    }
    this.#cuts.check(wish.keep, this.journal);
    // All of it in one turn: nothing is carried out or answered after that.
    this.#content.shared?.allow(false);
    this.#host.cut(this);
    this.journal?.cut();
    this.log.cut();
    powered.zones?.closeAll();
    const zones = powered.zones?.freeze();
    const { lose, report } = this.#cuts.begin(wish, powered, this.journal);
    await this.powerOff(true, lose);
    this.#content.keepZones(zones);
    return report();
  }

  /** What is in flight, for humans. Empty: nothing. */
  inFlight(): string {
    const queue = this.#powered?.disk.queue;
    return queue === undefined ? '' : inFlightText(queue, this.context.clock);
  }

  /** Frees the data of a device that is off and is being removed. */
  async free(): Promise<void> {
    this.#journal.free();
    this.rules.free();
    this.log.free();
    await this.#host.slicer.run(this.snapshots.end());
    await this.#host.slicer.run(this.#content.end());
  }

  /** What it holds, between two commands: until `endImage`. @throws ErrnoError EBUSY: one does not end. */
  image(): Promise<DeviceImage> {
    return this.#betweenCommands(() => this.#content.freeze(this.#powered));
  }

  /** From now on it holds `image`, which is its own, between two commands. What it has no place for (a cache, other
   *  zones) is as after power off and on. @throws ErrnoError EBUSY: a command does not end. */
  async become(image: DeviceImage): Promise<void> {
    try {
      if (this.powered && this.journal !== undefined) {
        throw new ErrnoError('EBUSY', 'its journal would not be right any more: set power=0');
      }
      await this.#betweenCommands(() => this.#content.exchange(image, this.#powered));
    } catch (error) {
      void this.#host.slicer.run(endImage(image));
      throw error;
    }
  }

  async #betweenCommands<T>(work: () => T): Promise<T> {
    const powered = this.#powered;
    if (powered === undefined) return work();
    const { rules } = this;
    const { queue } = powered.disk;
    const isQuiet = (): boolean => powered.isBetweenCommands && !rules.isWorking;
    const holdable = { name: this.name, isQuiet, queue, inFlight: () => this.inFlight() };
    return await betweenCommands(holdable, this.context, work);
  }

  /** A live attribute changed: composes the path again, between two requests. */
  recompose(): void {
    const powered = this.#powered;
    if (powered === undefined) return;
    // Nobody else is at it while the path changes.
    this.#content.shared?.allow(false);
    const movesBytesOnly = powered.recompose();
    this.rules.compose(powered.leaving);
    this.log.share(this.#content.shared, movesBytesOnly && !this.rules.active);
  }

  /** The numbers of hardware queues while it is powered on. */
  get queues(): { readonly submit: number; readonly poll: number } {
    const { submit_queues = 0, poll_queues = 0 } = this.#powered?.options ?? {};
    return { submit: submit_queues, poll: poll_queues };
  }

  /** Makes what `setQueues` needs and takes long to make, in pieces. @throws ErrnoError ENOMEM. */
  *prepareQueues(submit: number, poll: number): Work<TagSet<NullData> | undefined> {
    return this.#powered && (yield* prepareQueues(this, this.#powered, submit, poll));
  }

  /** Changes the number of hardware queues while I/O runs. @param made what `prepareQueues` returned.
   *  @throws ErrnoError EINVAL on shared tags, ENOMEM when one cannot be had: the old ones stay. */
  setQueues(submit: number, poll: number, made?: TagSet<NullData>): void {
    if (this.#powered !== undefined) setQueues(this, this.#powered, submit, poll, made);
  }

  /** @throws ErrnoError EINVAL if there is no such sequential zone. */
  setZoneCondition(at: number, condition: 'read-only' | 'offline'): void {
    const { zones } = this;
    if (zones?.setCondition(sector(at), condition)) return;
    const attribute = condition === 'offline' ? 'zone_offline' : 'zone_readonly';
    const rule = `must be a sector of a sequential zone of a powered zoned device`;
    throw new ErrnoError('EINVAL', `${this.name}: ${attribute}=${at}: ${rule}`, attribute);
  }

  /** One zone, or whole zones: see ZoneRequests. */
  async zoneManagement(operation: ZoneOperation, at: number, sectors?: number): Promise<Outcome> {
    const zones = this.#powered?.zoneRequests;
    return zones === undefined ? this.#noZones() : await zones.manage(operation, at, sectors);
  }

  /** Appends to the zone that begins at `start`. */
  async zoneAppend(start: number, data: readonly Uint8Array[]): Promise<Outcome> {
    const zones = this.#powered?.zoneRequests;
    return zones === undefined ? this.#noZones() : await zones.append(start, data);
  }

  /** As in the kernel, a flush reaches the driver only if something is volatile. */
  async flush(): Promise<Outcome> {
    const powered = this.#powered;
    if (powered === undefined || powered.leaving) return outcome(Status.OFFLINE, 'power is 0');
    if (powered.cache === undefined && !this.rules.active) return outcome(Status.OK);
    return await powered.requests.send(Command.FLUSH, sector(0), sector(0));
  }

  stats(): DeviceStats {
    return deviceStats(
      this.#powered,
      this.#content.store,
      this.#counted(),
      this.badBlocks.count,
      this.rules.stats(),
    );
  }

  /** For metrics. */
  counts(): DeviceCounts {
    const { store } = this.#content;
    const now = this.context.clock.now();
    const of = { powered: this.#powered, store, stats: this.#counted(), now };
    return deviceCounts(of, {
      badBlockRanges: this.badBlocks.count,
      snapshots: this.snapshots.count,
      journalBytes: this.journal?.bytes,
      faults: this.rules.stats(),
    });
  }

  latencies(): Latencies {
    return latenciesOf(this.#counted());
  }

  #counted(): IoStats | undefined {
    const queue = this.#powered?.disk.queue;
    return queue && (this.#content.shared?.withStats(queue.stats) ?? queue.stats);
  }

  /** What is in flight, in pieces. */
  requests(): Iterable<readonly InFlight[]> {
    const queue = this.#powered?.disk.queue;
    return queue === undefined ? [] : requestsOf(queue, this.context.clock, this.rules.hanging());
  }

  /** Gives unused memory back, a few slabs a turn. */
  runDeferred(): void {
    const compacting = this.#content.store?.compact(TIDY_SLABS) ?? false;
    const trimming = this.#powered?.cache?.trim(TIDY_SLABS) ?? false;
    if (compacting || trimming) this.context.deferred.raiseNextTurn(this);
  }

  #noZones(): Outcome {
    if (this.powered) return outcome(Status.NOTSUPP, 'the device is not zoned');
    return outcome(Status.OFFLINE, 'power is 0');
  }
}
