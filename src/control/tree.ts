/** The tree of devices as in configfs: folders are made, read, changed and removed; each device takes one
 *  operation at a time. Knows no HTTP. Source: control.md section 2. */

import type { Attributes } from '../config/attributes.ts';
import { ErrnoError, shown } from '../config/errors.ts';
import type { DeviceCounts } from '../driver/device-counts.ts';
import type { DeviceStats, InFlight, Latencies, RuleStats } from '../driver/device-stats.ts';
import type { Devices } from '../driver/devices.ts';
import type { LiveJournal } from '../driver/journal/live-journal.ts';
import type { NullDevice } from '../driver/null-device.ts';
import type { RangeList } from '../driver/range-list.ts';
import type { CutWish } from '../driver/snapshots/power-cut.ts';
import type { ZoneOperation } from '../driver/zone-requests.ts';
import type { ZoneSet } from '../driver/zones/zone-set.ts';
import type { Plan as FaultPlan } from '../rules/plan.ts';
import type { Slicer } from '../time/slicer.ts';
import { applyAll, type DeviceView, Directory, type Plan } from './directory.ts';
import type { EventType } from './events/event.ts';
import type { Facts } from './events/happened.ts';
import { written } from './events/written.ts';
import { Line } from './line.ts';
import { checkOutcome } from './outcome.ts';

export interface TreeOptions {
  readonly devices: Devices;
  /** The values of a new directory, and of a device that was made at start. */
  readonly makeAttributes: (name: string) => Attributes;
  /** Of the daemon's long work. */
  readonly slicer: Slicer;
  /** Called for each device before it does anything. */
  readonly made?: ((device: NullDevice) => void) | undefined;
  /** Called for each device that was removed. */
  readonly gone?: ((device: NullDevice) => void) | undefined;
  /** Hears of what it does with devices. */
  readonly happened?: ((type: EventType, device: string, facts: Facts) => void) | undefined;
  /** Called when a device has a fault that may strike. */
  readonly onFault?: (() => void) | undefined;
  /** What power on adjusted, a line each. */
  readonly notice?: (line: string) => void;
}

const NAME_MAX = 31;

/** The name that a directory called `text` has: cut to 31 characters.
 *  @throws ErrnoError EINVAL for a name that no file can have. */
export function deviceName(text: string): string {
  if (text === '' || text === '.' || text === '..' || /[/\0]/.test(text)) {
    throw new ErrnoError('EINVAL', `'${shown(text)}' cannot be the name of a device`);
  }
  return cut(text);
}

function cut(text: string): string {
  return Array.from(text).slice(0, NAME_MAX).join('');
}

/** What a new device has from the start. */
export interface Begin {
  readonly faults?: FaultPlan | undefined;
  /** Called before anything is written into its files. */
  readonly begin?: (device: NullDevice, directory: Directory) => Promise<void>;
}

interface Entry {
  readonly directory: Directory;
  readonly line: Line;
  /** Operations that force power off, and wait for the current operation: it does not wait for requests in
   *  flight either. */
  forcing: number;
  /** Called when the device has gone. */
  readonly onGone: Set<() => void>;
}

export class Tree {
  readonly slicer: Slicer;
  readonly #options: TreeOptions;
  readonly #entries = new WeakMap<NullDevice, Entry>();

  constructor(options: TreeOptions) {
    this.#options = options;
    this.slicer = options.slicer;
  }

  names(): string[] {
    return Array.from(this.#options.devices, ({ name }) => name);
  }

  /** The present devices, each as it is when it is reached. */
  *views(): Generator<DeviceView> {
    for (const device of [...this.#options.devices]) yield this.#entryOf(device).directory.view();
  }

  view(name: string): DeviceView {
    return this.#entry(name).directory.view();
  }

  /** What the file shows; for badblocks use `badBlocks`, which makes no long turn. */
  text(name: string, attribute: string): string {
    return this.#entry(name).directory.text(attribute);
  }

  /** The ranges that reading badblocks shows, as they are now. */
  badBlocks(name: string): RangeList {
    return this.device(name).badBlocks.snapshot();
  }

  /** Makes a directory and writes `texts` into its files. If one is refused, or power on fails, there is no
   *  directory. @throws ErrnoError. */
  async create(
    name: string,
    texts: ReadonlyMap<string, string>,
    { faults, begin }: Begin = {},
  ): Promise<DeviceView> {
    const { devices } = this.#options;
    const short = deviceName(name);
    if (devices.get(short) !== undefined) {
      throw new ErrnoError('EEXIST', `a device '${shown(short)}' exists already`);
    }
    const device = devices.create(short);
    this.#options.made?.(device);
    this.happened('created', short);
    if (faults !== undefined) device.rules.load(faults);
    const entry = this.#entryOf(device);
    return await this.#exclusive(entry, async () => {
      try {
        await begin?.(device, entry.directory);
        await this.#write(entry, texts);
      } catch (error) {
        await this.#remove(device);
        throw error;
      }
      return entry.directory.view();
    });
  }

  /** The values that a new directory would have. */
  newAttributes(name: string): Attributes {
    return this.#options.makeAttributes(name);
  }

  /** Removes the device, powered or not, and frees its data.
   *  @param force requests in flight fail: nobody waits for them. */
  async remove(name: string, force = false): Promise<void> {
    const entry = this.#entry(name);
    const { devices } = this.#options;
    const { device } = entry.directory;
    const work = async (): Promise<void> => {
      await this.#remove(device, entry.forcing > 0);
      for (const gone of entry.onGone) gone();
    };
    if (!force) return await this.#exclusive(entry, work);
    try {
      await this.#forced(entry, work);
    } catch (error) {
      // A removal that waited already, and that we have hurried, is what was asked for.
      if (devices.get(device.name) === device || !isNoDevice(error)) throw error;
    }
  }

  /** Writes all of `texts` or none; power comes last.
   *  @param force as above, for power off. @throws ErrnoError. */
  async patch(
    name: string,
    texts: ReadonlyMap<string, string>,
    force = false,
  ): Promise<DeviceView> {
    const entry = this.#entry(name);
    const { directory } = entry;
    if (force && !directory.switchesOff(texts)) {
      throw new ErrnoError('EINVAL', `${directory.device.name}: force is only for power=0`);
    }
    const work = async (): Promise<DeviceView> => {
      await this.#write(entry, texts);
      return directory.view();
    };
    return await (force ? this.#forced(entry, work) : this.#exclusive(entry, work));
  }

  /** The zones of a powered device. @throws ErrnoError ENODEV, EOPNOTSUPP. */
  zones(name: string): ZoneSet {
    const device = this.device(name);
    if (!device.powered) throw new ErrnoError('ENODEV', `${device.name}: power is 0`);
    if (device.zones !== undefined) return device.zones;
    throw new ErrnoError('EOPNOTSUPP', `${device.name}: the device is not zoned`);
  }

  /** @param sectors undefined: the one zone at `sector`. */
  async zoneOperation(
    name: string,
    operation: ZoneOperation,
    sector: number,
    sectors: number | undefined,
  ): Promise<void> {
    const device = this.device(name);
    const outcome = await device.zoneManagement(operation, sector, sectors);
    checkOutcome(device, `zone ${operation} at sector ${sector}`, outcome);
  }

  /** @param data in pieces, in order. @returns the sector where the data went. */
  async append(name: string, sector: number, ...data: readonly Uint8Array[]): Promise<number> {
    const device = this.device(name);
    const outcome = await device.zoneAppend(sector, data);
    checkOutcome(device, `zone append at sector ${sector}`, outcome);
    return outcome.sector;
  }

  async flush(name: string): Promise<void> {
    const device = this.device(name);
    checkOutcome(device, 'flush', await device.flush());
  }

  /** What clients have done since power on. @throws ErrnoError ENODEV: nobody writes it down. */
  journal(name: string): LiveJournal {
    const { journal, name: device } = this.device(name);
    if (journal !== undefined) return journal;
    const rule = 'it keeps no journal; set journal=1 while power is 0';
    throw new ErrnoError('ENODEV', `${device}: ${rule}`);
  }

  /** Writes a text into the journal. @throws ErrnoError ENODEV; ENOSPC: the journal is full. */
  mark(name: string, text: string): void {
    if (this.journal(name).mark(text)) return;
    throw new ErrnoError('ENOSPC', `${cut(name)}: the journal is full`);
  }

  /** Runs `work` when the operations before it on this device have ended, and before those that come.
   *  @throws ErrnoError ENOENT. */
  alone<T>(
    name: string,
    work: (device: NullDevice, directory: Directory) => Promise<T>,
  ): Promise<T> {
    const entry = this.#entry(name);
    const { directory } = entry;
    return this.#exclusive(entry, () => work(directory.device, directory));
  }

  has(name: string): boolean {
    return this.#options.devices.get(cut(name)) !== undefined;
  }

  /** Calls `gone` when the device was removed. @returns a function that stops it. */
  whenGone(name: string, gone: () => void): () => void {
    const { onGone } = this.#entry(name);
    onGone.add(gone);
    return () => void onGone.delete(gone);
  }

  /** Ends everything that lasts until devices go, because the daemon stops. */
  end(): void {
    for (const device of this.#options.devices) {
      for (const gone of this.#entryOf(device).onGone) gone();
    }
  }

  /** Writes a line to the log. */
  notice(line: string): void {
    this.#options.notice?.(line);
  }

  /** Tells whoever wants to know. */
  happened(type: EventType, device: string, facts: Facts = {}): void {
    this.#options.happened?.(type, device, facts);
  }

  /** How many requests the device has; none if there is no such device. */
  inFlight(name: string): number {
    return this.#options.devices.get(cut(name))?.disk?.queue.inFlight ?? 0;
  }

  stats(name: string): DeviceStats {
    return this.device(name).stats();
  }

  /** What the rules of all devices did, by device. */
  *ruleStats(): Generator<[device: string, stats: RuleStats]> {
    for (const { name, rules } of this.#options.devices) {
      for (const one of rules.stats()) yield [name, one];
    }
  }

  latencies(name: string): Latencies {
    return this.device(name).latencies();
  }

  /** Of all devices, for metrics. */
  *allCounts(): IterableIterator<[name: string, counts: DeviceCounts]> {
    for (const device of this.#options.devices) yield [device.name, device.counts()];
  }

  /** What is in flight, in pieces: each request as it is when it is reached. */
  requestPieces(name: string): Iterable<readonly InFlight[]> {
    return this.device(name).requests();
  }

  requests(name: string): readonly InFlight[] {
    return [...this.requestPieces(name)].flat();
  }

  async #remove(device: NullDevice, force = false): Promise<void> {
    await this.#options.devices.remove(device.name, force);
    this.#options.gone?.(device);
    this.happened('removed', device.name);
  }

  async #write(entry: Entry, texts: ReadonlyMap<string, string>): Promise<void> {
    const { directory } = entry;
    try {
      await this.#carryOut(entry, await this.slicer.run(directory.prepare(texts)));
    } finally {
      directory.settle();
    }
    const facts = written(texts);
    if (facts !== undefined) this.happened('attributes', directory.device.name, facts);
    const faults = Object.values(directory.device.faults);
    if (faults.some(({ settings }) => settings.probability > 0n)) this.#options.onFault?.();
  }

  async #carryOut({ directory, forcing }: Entry, plan: Plan): Promise<void> {
    const undo = applyAll(plan.changes);
    const { device } = directory;
    if (plan.power === undefined || plan.power === device.powered) return;
    if (!plan.power) return await device.powerOff(forcing > 0);
    try {
      const notices = await this.slicer.run(directory.powerOn());
      for (const notice of notices) this.#options.notice?.(notice);
    } catch (error) {
      undo();
      throw error;
    }
  }

  /** A rule cuts the power: at once, whatever waits for its turn; then it is on again. */
  async #cut(device: NullDevice, wish: CutWish): Promise<void> {
    // It is being switched off already, or was cut by another rule.
    const report = await device.cut(wish).catch(() => undefined);
    if (report === undefined) return;
    this.notice(`${device.name}: power was cut by a rule, keep=${report.image}`);
    this.happened('cut', device.name, { by: 'rule', ...report });
    try {
      await this.patch(device.name, new Map([['power', '1']]));
    } catch (error) {
      if (!(error instanceof ErrnoError)) throw error;
      this.notice(`${device.name}: power on after a cut: ${error.message}`);
    }
  }

  /** @throws ErrnoError ENOENT. */
  device(name: string): NullDevice {
    const device = this.#options.devices.get(cut(name));
    if (device === undefined) throw noDevice(name);
    return device;
  }

  #entry(name: string): Entry {
    return this.#entryOf(this.device(name));
  }

  #entryOf(device: NullDevice): Entry {
    let entry = this.#entries.get(device);
    if (entry === undefined) {
      const directory = new Directory(device, this.#options.makeAttributes(device.name));
      entry = { directory, line: new Line(), forcing: 0, onGone: new Set() };
      this.#entries.set(device, entry);
      device.onCut = (wish) => void this.#cut(device, wish);
    }
    return entry;
  }

  /** Runs `work` when the operations before it on this device have ended. */
  #exclusive<T>(entry: Entry, work: () => Promise<T>, isUrgent = false): Promise<T> {
    const { device } = entry.directory;
    return entry.line.run(async () => {
      // The device may have been removed while this operation waited.
      if (this.#options.devices.get(device.name) !== device) throw noDevice(device.name);
      return await work();
    }, isUrgent);
  }

  /** The same for an operation that forces power off: it comes after the current operation only, and waits
   *  for no request. */
  async #forced<T>(entry: Entry, work: () => Promise<T>): Promise<T> {
    entry.forcing++;
    try {
      entry.directory.device.forcePowerOff();
      return await this.#exclusive(entry, work, true);
    } finally {
      entry.forcing--;
    }
  }
}

function isNoDevice(error: unknown): boolean {
  return error instanceof ErrnoError && error.errno === 'ENOENT';
}

function noDevice(name: string): ErrnoError {
  return new ErrnoError('ENOENT', `there is no device '${shown(name)}'`);
}
