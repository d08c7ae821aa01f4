/** Devices that are none: every interface of the control side in memory, simple enough to trust.
 *  Attributes are numbers without rules between them, but for a few that the tests need. */

import { Status } from '../../src/block/status.ts';
import { ErrnoError } from '../../src/config/errors.ts';
import { parseBoolean } from '../../src/config/kinds.ts';
import { rows } from '../../src/config/parameters.ts';
import type {
  AttributeSet,
  AttributeValue,
  ControlledDevice,
  ControlledDevices,
  ControlledZones,
  DeviceStats,
  FaultSetting,
  InFlight,
  LostCondition,
  ZoneFacts,
  ZoneOperation,
} from '../../src/control/controlled.ts';
import { Tree } from '../../src/control/tree.ts';
import { CPUS, options } from '../config/words.ts';

const OPTIONS = options();

export class FakeAttributes implements AttributeSet {
  readonly values = new Map<string, number>();
  readonly device: string;

  constructor(device: string) {
    this.device = device;
    for (const [name, row] of rows) {
      if (row.kind !== 'text') this.values.set(row.attribute ?? name, Number(row.default));
    }
    this.values.set('home_node', 4294967295);
  }

  text(name: string): string {
    return `${this.value(name)}\n`;
  }

  value(name: string): number {
    const value = this.values.get(name);
    if (value === undefined) throw new Error(`${name} is not stored`);
    return value;
  }

  parse(name: string, text: string): AttributeValue {
    if (name === 'power') {
      const value = parseBoolean(text.replace(/\n$/, ''));
      if (value === undefined) throw new ErrnoError('EINVAL', 'power must be a boolean', name);
      return value;
    }
    if (!/^(0x)?[\da-f]+\n?$/.test(text)) {
      throw new ErrnoError('EINVAL', `${name} must be a number`, name);
    }
    const value = BigInt(text.trimEnd());
    const bits = name.startsWith('zone_') || name === 'size' ? 64n : 32n;
    if (value >> bits !== 0n) throw new ErrnoError('ERANGE', `${name} has ${bits} bits`, name);
    return value;
  }

  check(name: string, _: AttributeValue, powered: boolean): void {
    if (/^zone_(readonly|offline)$/.test(name)) {
      if (!powered) throw new ErrnoError('EINVAL', `${name} needs power 1`, name);
    } else if (powered && !/_queues$/.test(name)) {
      throw new ErrnoError('EBUSY', `${name} can only be set while power is 0`, name);
    }
  }

  set(name: string, value: AttributeValue): void {
    this.values.set(name, Number(value));
  }

  judge() {
    if (this.value('blocksize') > 4096) {
      throw new ErrnoError('EINVAL', 'blocksize must be 512..4096', 'blocksize');
    }
    const adjusted = new Map<string, AttributeValue>();
    const notices: string[] = [];
    if (this.value('submit_queues') > CPUS) {
      adjusted.set('submit_queues', BigInt(CPUS));
      notices.push(`${this.device}: submit_queues becomes ${CPUS}`);
    }
    // The size is what the fake device makes zones of.
    const own = { size: this.value('size'), zoned: this.value('zoned') === 1 };
    return { options: { ...OPTIONS, ...own }, adjusted, notices };
  }

  apply(adjusted: ReadonlyMap<string, AttributeValue>): void {
    for (const [name, value] of adjusted) this.set(name, value);
  }
}

class FakeFault {
  readonly #values = new Map<FaultSetting, number>([
    ['interval', 1],
    ['times', 1],
  ]);

  get(setting: FaultSetting): string {
    return `${this.#values.get(setting) ?? 0}\n`;
  }

  set(setting: FaultSetting, text: string): void {
    if (!/^-?\d+\n?$/.test(text)) throw new ErrnoError('EINVAL', 'must be a number', setting);
    this.#values.set(setting, Number(text));
  }
}

class FakeBadBlocks {
  ranges: [start: number, end: number][] = [];

  text(): string {
    return this.ranges.map(([start, end]) => `${start} ${end - start + 1}\n`).join('');
  }

  write(text: string): void {
    let { ranges } = this;
    for (const line of text.trim().split('\n')) {
      const [, sign, first, last] = /^([+-])(\d+)-(\d+)$/.exec(line) ?? [];
      if (Number(first) > Number(last) || sign === undefined) {
        throw new ErrnoError('EINVAL', 'must be +START-END or -START-END', 'badblocks');
      }
      ranges = ranges.filter(([start]) => start !== Number(first));
      if (sign === '+') ranges.push([Number(first), Number(last)]);
    }
    this.ranges = ranges.sort(([a], [b]) => a - b);
  }
}

/** Each of `length` sectors; the first one conventional. */
export class FakeZones implements ControlledZones {
  readonly count: number;
  readonly length: number;
  readonly conditions = new Map<number, number>();

  constructor(count: number, length: number) {
    this.count = count;
    this.length = length;
  }

  info(index: number): ZoneFacts {
    if (index < 0 || index >= this.count) throw new Error(`no zone ${index}`);
    const start = index * this.length;
    const condition = this.conditions.get(index) ?? (index === 0 ? 0 : 1);
    return {
      start,
      length: this.length,
      capacity: this.length,
      writePointer: index === 0 ? start + this.length : condition > 4 ? -1 : start,
      type: index === 0 ? 1 : 2,
      condition,
    };
  }

  indexOf(sector: number): number {
    const index = Math.floor(sector / this.length);
    if (index >= this.count) throw new Error(`no sector ${sector}`);
    return index;
  }
}

const NO_TIME = { p50: 0, p90: 0, p99: 0, p999: 0, max: 0, mean: 0 };

export class FakeDevice implements ControlledDevice {
  readonly name: string;
  index = 0;
  powered = false;
  readonly badBlocks = new FakeBadBlocks();
  readonly faults = {
    timeout: new FakeFault(),
    requeue: new FakeFault(),
    init_hctx: new FakeFault(),
  };
  zones: FakeZones | undefined;
  /** What was asked of it, in order. */
  readonly calls: string[] = [];
  /** The status of what is asked next. */
  status: Status = Status.OK;
  failPowerOn: ErrnoError | undefined;
  /** Power off waits for it. */
  inFlight: Promise<void> = Promise.resolve();
  flights: InFlight[] = [];
  requestsDone = 0;

  constructor(name: string) {
    this.name = name;
  }

  powerOn({ size, zoned }: { readonly size: number; readonly zoned: boolean }): void {
    this.calls.push('powerOn');
    if (this.failPowerOn !== undefined) throw this.failPowerOn;
    this.powered = true;
    this.index = 7;
    if (zoned) this.zones = new FakeZones(size, 2048);
  }

  async powerOff(): Promise<void> {
    this.calls.push('powerOff');
    await this.inFlight;
    this.powered = false;
    this.zones = undefined;
  }

  setQueues(submit: number, poll: number): void {
    this.calls.push(`setQueues ${submit} ${poll}`);
    if (submit === 0) throw new ErrnoError('EINVAL', 'submit_queues must be 1..cpus');
  }

  setZoneCondition(sector: number, condition: LostCondition): void {
    this.calls.push(`${condition} ${sector}`);
    this.zones?.conditions.set(this.zones.indexOf(sector), condition === 'offline' ? 15 : 13);
  }

  async zoneManagement(operation: ZoneOperation, sector: number, sectors: number) {
    this.calls.push(`${operation} ${sector} ${sectors}`);
    return this.status;
  }

  async zoneAppend(sector: number, data: Uint8Array) {
    this.calls.push(`append ${sector} ${data.length}`);
    return { status: this.status, sector: sector + 8 };
  }

  async flush() {
    this.calls.push('flush');
    return this.status;
  }

  stats(): DeviceStats {
    const some = {
      requests: this.requestsDone,
      bytes: this.requestsDone * 4096,
      latencyNs: NO_TIME,
    };
    const slow = { p50: 1000, p90: 2000, p99: 3000, p999: 4000, max: 5000, mean: 1500.5 };
    const none = { requests: 0, bytes: 0, latencyNs: NO_TIME };
    return {
      operations: {
        read: { ...some, latencyNs: slow },
        write: some,
        discard: none,
        'write-zeroes': none,
        flush: none,
        zone: none,
      },
      errors: { EIO: 2 },
      memory: { heldBytes: 4096, idleBytes: 8192 },
      cache: null,
      zones: this.zones === undefined ? null : { count: this.zones.count, open: 1, active: 2 },
      tags: { depth: 64, queues: 2, inUse: this.flights.length },
      badBlockRanges: this.badBlocks.ranges.length,
    };
  }

  requests(): InFlight[] {
    return this.flights;
  }
}

export class FakeDevices implements ControlledDevices {
  readonly #byName = new Map<string, FakeDevice>();

  create(name: string): FakeDevice {
    if (this.#byName.has(name)) throw new ErrnoError('EEXIST', `${name} exists`);
    const device = new FakeDevice(name);
    this.#byName.set(name, device);
    return device;
  }

  async remove(name: string): Promise<void> {
    await this.#byName.get(name)?.powerOff();
    this.#byName.delete(name);
  }

  get(name: string): FakeDevice | undefined {
    return this.#byName.get(name);
  }

  [Symbol.iterator](): IterableIterator<FakeDevice> {
    return this.#byName.values();
  }
}

export interface World {
  readonly devices: FakeDevices;
  readonly tree: Tree;
  readonly notices: readonly string[];
  /** How often the data path had its turn. */
  turns(): number;
  /** A device that is there, powered off. */
  device(name?: string): FakeDevice;
  /** Changes attributes of nullb0. */
  patch(texts: Readonly<Record<string, string>>): Promise<unknown>;
}

export function world(): World {
  const devices = new FakeDevices();
  const notices: string[] = [];
  let turns = 0;
  const tree = new Tree({
    devices,
    makeAttributes: (name) => new FakeAttributes(name),
    notice: (line) => notices.push(line),
    afterTurn: () => turns++,
  });
  return {
    devices,
    tree,
    notices,
    turns: () => turns,
    device: (name = 'nullb0') => devices.get(name) ?? devices.create(name),
    patch: (texts) => tree.patch('nullb0', new Map(Object.entries(texts))),
  };
}
