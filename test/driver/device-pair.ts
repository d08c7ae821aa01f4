/** A whole device beside its naive twin: each step acts on both, and everything visible is compared. For
 *  tests. */

import fc from 'fast-check';
import { expect } from 'vitest';
import { Command, RequestFlag } from '../../src/block/command.ts';
import { Status } from '../../src/block/status.ts';
import type { DeviceOptions } from '../../src/config/parameters.ts';
import { zoneConditionNames } from '../../src/driver/zones/zone.ts';
import { sector } from '../../src/units.ts';
import { World } from '../block/world.ts';
import { options } from '../config/words.ts';
import { same } from '../same.ts';
import { DeviceModel } from './device-model.ts';
import { diskOf, Io, wholeDevices } from './whole.ts';
import { writeBadBlocks } from './write-bad-blocks.ts';
import { ZoneModel } from './zones/model.ts';

const MIB_SECTORS = 2048;
const SECTOR_BYTES = 512;
const MEMORY = ['memory_backed=1', 'discard=1'];

const statuses: Readonly<Record<number, string>> = {
  [Status.OK]: 'ok',
  [Status.IOERR]: 'ioerr',
  [Status.ZONE_OPEN_RESOURCE]: 'open-resource',
  [Status.ZONE_ACTIVE_RESOURCE]: 'active-resource',
};

const kinds = [
  ...['write', 'write', 'write', 'write', 'zeroes', 'zeroes', 'read', 'read', 'discard', 'flush'],
  ...['bad', 'bad', 'good', 'powerCycle', 'queues', 'manage'],
] as const;

export interface Step {
  readonly kind: (typeof kinds)[number];
  /** Where a zone is meant, and the write pointer of it. */
  readonly zone: number;
  readonly atPointer: boolean;
  readonly first: number;
  readonly sectors: number;
  readonly salt: number;
}

export const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...kinds),
  zone: fc.nat(4),
  atPointer: fc.boolean(),
  first: fc.oneof(
    { weight: 6, arbitrary: fc.nat(600) },
    { weight: 3, arbitrary: fc.nat(3000) },
    { weight: 1, arbitrary: fc.integer({ min: 7900, max: 8400 }) },
  ),
  sectors: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 1, max: 40 }) },
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 1500 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 10_000 }) },
  ),
  salt: fc.nat(0xffff),
});

export const shape = fc.record({
  block: fc.constantFrom(1, 1, 2, 8),
  maxSectors: fc.constantFrom(0, 0, 8, 9, 17, 64, 255),
  once: fc.boolean(),
  partialIo: fc.boolean(),
  virtBoundary: fc.boolean(),
  cacheMiB: fc.constantFrom(0, 1),
  zoneMiB: fc.constantFrom(0, 0, 1, 2),
  capacityMiB: fc.constantFrom(0, 1),
  conventional: fc.constantFrom(0, 1),
  maxOpen: fc.constantFrom(0, 1, 2),
  depth: fc.constantFrom(1, 3, 64),
  irqmode: fc.constantFrom(0, 1, 2),
  noSched: fc.constantFrom(0, 1),
  /** What makes requests late and changes nothing else. */
  late: fc.constantFrom([], ['mbps=100'], ['requeue=2,100,0,-1'], ['requeue=1,30,0,-1']),
});
export type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never;

export class DevicePair {
  readonly #world = new World();
  readonly #options: DeviceOptions;
  readonly #device;
  readonly #zones: ZoneModel | undefined;
  readonly #model: DeviceModel;
  readonly #sectors: number;
  readonly #block: number;

  constructor(one: Shape) {
    const zoned = one.zoneMiB > 0;
    const size = zoned ? 4 : 6;
    this.#block = one.block;
    this.#sectors = size * MIB_SECTORS;
    const words = [
      ...MEMORY,
      `size=${size}`,
      `bs=${one.block * SECTOR_BYTES}`,
      `max_sectors=${one.maxSectors}`,
      `virt_boundary=${Number(one.virtBoundary)}`,
      `cache_size=${one.cacheMiB}`,
      ...[`hw_queue_depth=${one.depth}`, `irqmode=${one.irqmode}`, `no_sched=${one.noSched}`],
      ...one.late,
      ...(zoned ? ['zoned=1', `zone_size=${one.zoneMiB}`, `zone_max_open=${one.maxOpen}`] : []),
      ...(zoned ? [`zone_capacity=${one.capacityMiB}`, `zone_nr_conv=${one.conventional}`] : []),
    ];
    this.#device = wholeDevices(this.#world, words).create('nullb0');
    this.#options = {
      ...options(...words),
      badblocks_once: one.once,
      badblocks_partial_io: one.partialIo,
    };
    const made = this.#options;
    this.#device.powerOn(made);
    const zoneSectors = one.zoneMiB * MIB_SECTORS;
    const capacity = (one.capacityMiB || one.zoneMiB) * MIB_SECTORS;
    this.#zones = zoned
      ? new ZoneModel({
          capacity: sector(this.#sectors),
          zoneSectors,
          zoneCapacitySectors: capacity,
          conventional: made.zone_nr_conv,
          maxOpen: made.zone_max_open,
          maxActive: 0,
          appendMaxSectors: 0,
          full: false,
        })
      : undefined;
    this.#model = new DeviceModel(
      {
        sectors: this.#sectors,
        blockSectors: one.block,
        maxSectors: made.max_sectors,
        once: one.once,
        partialIo: one.partialIo,
        virtBoundary: one.virtBoundary,
        cacheMiB: one.cacheMiB,
        zoneSectors,
      },
      this.#zones,
    );
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const one of steps) {
      alike(await this.#act(one));
      const { cache } = this.#device.stats();
      same(cache?.usedBytes ?? 0, cache === null ? 0 : this.#model.cachedBytes);
      same(this.#device.badBlocks.text(), this.#model.badText);
      const twin = this.#zones?.zones.map(({ wp, condition }) => `${condition}@${wp}`).join();
      same(this.#zoneRows(), twin);
    }
    this.#model.setBad(0, 2 * this.#sectors, false);
    writeBadBlocks(this.#device.badBlocks, `-0-${2 * this.#sectors}`);
    for (let at = 0; at < this.#sectors; at += MIB_SECTORS) {
      alike(this.#read(at, MIB_SECTORS));
    }
  }

  #zoneRows(): string | undefined {
    const { zones } = this.#device;
    return zones
      ?.report()
      .map(({ writePointer, condition }) => `${zoneConditionNames[condition]}@${writePointer}`)
      .join();
  }

  /** @returns what the device did, and what its twin did. */
  async #act(one: Step): Promise<[unknown, unknown]> {
    const [first, sectors] = this.#range(one);
    const fua = one.salt % 5 === 0;
    switch (one.kind) {
      case 'write':
        return this.#write(first, sectors, one.salt, fua);
      case 'zeroes': {
        const flags = (fua ? RequestFlag.FUA : 0) | (one.salt % 3 === 0 ? RequestFlag.NOUNMAP : 0);
        const status = this.#send(new Io(Command.WRITE_ZEROES, first, sectors), flags).status;
        return [status, this.#model.zeroes(first, sectors, fua)];
      }
      case 'read':
        return this.#read(first, sectors);
      case 'discard':
        return [
          this.#send(new Io(Command.DISCARD, first, sectors)).status,
          this.#model.discard(first, sectors),
        ];
      case 'flush':
        this.#model.flush();
        return [this.#send(new Io(Command.FLUSH, 0, 0)).status, 'ok'];
      case 'bad':
      case 'good': {
        const [from, to] = [one.first, one.first + (one.salt % 12)];
        writeBadBlocks(this.#device.badBlocks, `${one.kind === 'bad' ? '+' : '-'}${from}-${to}`);
        this.#model.setBad(from, to, one.kind === 'bad');
        return ['ok', 'ok'];
      }
      case 'queues':
        this.#device.setQueues(1 + (one.salt % 3), 0);
        return ['', ''];
      case 'powerCycle':
        return await this.#powerCycle();
      case 'manage':
        return this.#manage(one);
    }
  }

  /** Whole blocks on the device. */
  #range({ atPointer, zone, first, sectors }: Step): [number, number] {
    const block = this.#block;
    const { zones } = this.#zones ?? { zones: [] };
    const chosen = zones[zone % Math.max(zones.length, 1)];
    const pointed = atPointer && chosen !== undefined && chosen.condition !== 'not-wp';
    const wanted = pointed ? Math.max(chosen.wp, chosen.start) : first;
    const from = Math.min(wanted - (wanted % block), this.#sectors - block);
    const whole = Math.ceil(sectors / block) * block;
    return [from, Math.min(whole, this.#sectors - from)];
  }

  #write(first: number, sectors: number, salt: number, fua: boolean): [unknown, unknown] {
    const data = Buffer.alloc(sectors * SECTOR_BYTES);
    for (let at = 0; at < sectors; at++) {
      data.fill((salt + at) & 0xff, at * SECTOR_BYTES, (at + 1) * SECTOR_BYTES);
    }
    const io = new Io(Command.WRITE, first, sectors);
    const gaps = this.#gather(io, data, salt);
    const { status } = this.#send(io, fua ? RequestFlag.FUA : 0);
    return [status, this.#model.write(first, data, fua, gaps)];
  }

  /** Lays `data` into pieces of memory, of whole blocks. @returns where there are gaps between them. */
  #gather(io: Io, data: Buffer, salt: number): Set<number> {
    const { segments } = io.bio;
    const block = this.#block * SECTOR_BYTES;
    const gaps = new Set<number>();
    let ends = 0;
    for (let at = 0, n = 0; at < data.length; n++) {
      const blocks = 1 + ((salt >> (n % 9)) & 7) * (n % 2 === 0 ? 1 : 8);
      const length = n > 12 ? data.length - at : Math.min(blocks * block, data.length - at);
      const start = ((salt >> (n % 7)) & 1) === 0 ? 0 : 512 * (salt & 7);
      if (at > 0 && (ends % 4096 !== 0 || start % 4096 !== 0)) gaps.add(at / SECTOR_BYTES);
      const memory = new Uint8Array(start + length);
      memory.set(data.subarray(at, at + length), start);
      segments.add(memory, start, length);
      ends = start + length;
      at += length;
    }
    return gaps;
  }

  #read(first: number, sectors: number): [unknown, unknown] {
    const io = new Io(Command.READ, first, sectors);
    const { status } = this.#send(io);
    const model = Buffer.alloc(sectors * SECTOR_BYTES);
    const wanted = this.#model.read(first, sectors, model);
    const data = io.bio.segments.count === 0 ? Buffer.alloc(model.length) : io.data;
    if (data.equals(model)) return [status, wanted];
    return [
      [status, runs(data)],
      [wanted, runs(model)],
    ];
  }

  #manage({ zone: number, salt }: Step): [unknown, unknown] {
    const zones = this.#zones;
    const zone = zones?.zones[number % zones.zones.length];
    if (zones === undefined || zone === undefined) return ['', ''];
    const ask = (command: Command): string =>
      this.#send(new Io(command, zone.start, zone.length)).status;
    const model = this.#model;
    switch (salt % 6) {
      case 0:
        return [ask(Command.ZONE_OPEN), model.manage(() => zones.openZone(zone))];
      case 1:
        return [ask(Command.ZONE_CLOSE), model.manage(() => zones.closeZone(zone))];
      case 2:
        return [ask(Command.ZONE_FINISH), model.manage(() => zones.finishZone(zone))];
      case 3: {
        const condition = salt % 4 === 1 ? 'offline' : 'read-only';
        if (zone.condition === 'not-wp') return ['', ''];
        this.#device.setZoneCondition(zone.start, condition);
        return ['ok', model.manage(() => zones.setCondition(zone, condition))];
      }
      default:
        return [ask(Command.ZONE_RESET), model.manage(() => zones.resetZone(zone))];
    }
  }

  async #powerCycle(): Promise<[unknown, unknown]> {
    if (this.#zones !== undefined) return ['', '']; // they start anew: power.test.ts
    const off = this.#device.powerOff();
    this.#world.settle();
    await off;
    this.#device.powerOn(this.#options);
    this.#model.powerCut();
    return ['', ''];
  }

  #send(io: Io, flags = 0): { status: string } {
    io.bio.flags = flags;
    io.submit(diskOf(this.#device));
    for (let turn = 0; io.ends === 0 && turn < 20_000; turn++) this.#world.pass(20_000);
    if (io.ends !== 1) throw new Error(`ended ${io.ends} times`);
    return { status: statuses[io.status] ?? `status ${io.status}` };
  }
}

/** The device did the same as its twin. */
function alike([ours, theirs]: readonly [unknown, unknown]): void {
  if (typeof ours === 'string' || typeof theirs === 'string') same(ours, theirs);
  else expect(ours).toEqual(theirs);
}

/** What each sector begins with, as [byte, sectors]; one that is not all one byte is NaN. */
function runs(data: Buffer): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (let at = 0; at < data.length; at += SECTOR_BYTES) {
    const byte = data[at] ?? 0;
    const last = found.at(-1);
    const even = data[at + SECTOR_BYTES - 1] === byte && data[at + 256] === byte;
    if (even && last?.[0] === byte) last[1]++;
    else found.push([even ? byte : Number.NaN, 1]);
  }
  return found;
}
