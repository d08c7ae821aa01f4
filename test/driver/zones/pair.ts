/** A zoned device beside its naive model: each step acts on both and compares all that can be seen.
 *  For tests. */

import fc from 'fast-check';
import { Command } from '../../../src/block/command.ts';
import { Status } from '../../../src/block/status.ts';
import { ErrnoError } from '../../../src/config/errors.ts';
import { zoneReadClip } from '../../../src/driver/zones/read-clip.ts';
import { ZoneCondition, zoneConditionNames } from '../../../src/driver/zones/zone.ts';
import { same } from '../../same.ts';
import { type ModelResult, type ModelZone, ZoneModel } from './model.ts';
import { type ZoneDisk, ZonedDevice, zoneOptions } from './world.ts';

export const kinds = [
  ...['write', 'append', 'zeroes', 'read', 'open', 'close', 'finish', 'reset', 'resetAll'],
  ...['read-only', 'offline'],
] as const;
export type Kind = (typeof kinds)[number];

export interface Step {
  readonly kind: Kind;
  /** Modulo the number of zones. */
  readonly zone: number;
  /** Where in the zone; at the write pointer when negative. */
  readonly offset: number;
  readonly sectors: number;
  /** Sectors that are done before a bad one; -1 no bad sector. */
  readonly bad: number;
  readonly outOfMemory: boolean;
}

export interface Shape {
  readonly zones: number;
  readonly lastSectors: number;
  readonly capacitySectors: number;
  readonly conventional: number;
  readonly maxOpen: number;
  readonly maxActive: number;
  readonly appendMaxSectors: number;
  readonly full: boolean;
}

const ZONE_SECTORS = 8;

const statuses: Readonly<Record<number, string>> = {
  [Status.OK]: 'ok',
  [Status.NOSPC]: 'nospc',
  [Status.IOERR]: 'ioerr',
  [Status.INVAL]: 'inval',
  [Status.ZONE_OPEN_RESOURCE]: 'open-resource',
  [Status.ZONE_ACTIVE_RESOURCE]: 'active-resource',
};

const commands = {
  open: Command.ZONE_OPEN,
  close: Command.ZONE_CLOSE,
  finish: Command.ZONE_FINISH,
  reset: Command.ZONE_RESET,
} as const;

export const shapes: fc.Arbitrary<Shape> = fc.record({
  zones: fc.integer({ min: 1, max: 7 }),
  lastSectors: fc.constantFrom(ZONE_SECTORS, ZONE_SECTORS, 1, 5),
  capacitySectors: fc.constantFrom(ZONE_SECTORS, ZONE_SECTORS, 3, 6),
  conventional: fc.constantFrom(0, 0, 0, 1, 2),
  maxOpen: fc.integer({ min: 0, max: 3 }),
  maxActive: fc.integer({ min: 0, max: 4 }),
  appendMaxSectors: fc.constantFrom(100, 100, 3, 0),
  full: fc.constantFrom(false, false, false, true),
});

const anyStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...kinds, 'write', 'write', 'append', 'zeroes', 'open', 'reset'),
  zone: fc.nat({ max: 6 }),
  offset: fc.oneof({ weight: 4, arbitrary: fc.constant(-1) }, fc.nat({ max: ZONE_SECTORS - 1 })),
  sectors: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: ZONE_SECTORS + 1 })),
  bad: fc.oneof({ weight: 6, arbitrary: fc.constant(-1) }, fc.nat({ max: 3 })),
  outOfMemory: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
});

/** Swarm: a run does without a random part of the operations, so that rare states are reached. */
export const traces: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.subarray([...kinds], { minLength: 2 }),
    fc.array(anyStep, { maxLength: 200, size: 'max' }),
  )
  .map(([used, steps]) => steps.filter(({ kind }) => used.includes(kind)));

export class Pair {
  readonly device: ZonedDevice;
  readonly model: ZoneModel;
  readonly #filled: [number, number][] = [];

  constructor(shape: Shape, Model: typeof ZoneModel = ZoneModel, disk?: ZoneDisk) {
    const { zones, lastSectors, capacitySectors, ...rest } = shape;
    const geometry = {
      ...rest,
      capacity: (zones - 1) * ZONE_SECTORS + lastSectors,
      zoneSectors: ZONE_SECTORS,
      zoneCapacitySectors: capacitySectors,
      conventional: Math.min(rest.conventional, zones - 1),
    };
    this.device = new ZonedDevice(
      geometry,
      (inner, set) => zoneReadClip(set, inner, (_, from, to) => this.#filled.push([from, to])),
      disk,
    );
    this.model = new Model(zoneOptions(geometry));
    this.#compare();
  }

  /** @param seen whether the same steps, as far as this one, were compared in another run. */
  act(step: Step, seen = false): void {
    const { device, model } = this;
    const zone = model.zones[step.zone % model.zones.length];
    if (zone === undefined) throw new Error('no zone');
    device.reached.length = 0;
    model.outOfMemory = step.outOfMemory;
    device.outOfMemory = step.outOfMemory;
    const at = startOf(step, zone);
    model.bad = step.bad < 0 ? -1 : at + step.bad;
    device.bad = model.bad;
    this.#do(step, zone, at);
    if (!seen) this.#compare();
  }

  #do({ kind, sectors }: Step, zone: ModelZone, at: number): void {
    const { device, model } = this;
    switch (kind) {
      case 'write':
        return this.#transfers(Command.WRITE, at, sectors, model.write(at, sectors, false));
      case 'zeroes':
        return this.#transfers(Command.WRITE_ZEROES, at, sectors, model.write(at, sectors, false));
      case 'append':
        return this.#appends(at === zone.wp ? zone.start : at, sectors);
      case 'read':
        return this.#reads(at, Math.min(sectors, zone.start + zone.length - at));
      case 'resetAll': {
        const { status } = device.issue(Command.ZONE_RESET_ALL);
        return same(statuses[status], model.resetAll());
      }
      case 'read-only':
      case 'offline':
        return same(this.#setCondition(at, kind), model.setCondition(zone, kind));
      default: {
        const { status } = device.issue(commands[kind], at, zone.length);
        return same(statuses[status], model[`${kind}Zone`](zone));
      }
    }
  }

  #appends(at: number, sectors: number): void {
    this.#transfers(Command.ZONE_APPEND, at, sectors, this.model.write(at, sectors, true));
  }

  #transfers(command: Command, at: number, sectors: number, expected: ModelResult): void {
    const { status, sector } = this.device.issue(command, at, sectors);
    const { reached } = this.device;
    same(statuses[status], expected.status);
    same(sector, expected.sector);
    same(reached.length, expected.transfer === undefined ? 0 : 1);
    same(reached[0]?.[1], expected.transfer?.[0]);
    same(reached[0]?.[2], expected.transfer?.[1]);
  }

  #reads(at: number, sectors: number): void {
    const { model } = this;
    const valid = model.valid(at, sectors);
    // What is not read cannot be bad.
    if (model.bad >= at + valid) model.bad = -1;
    const expected = model.read(at, sectors);
    const shown = expected.transfer !== undefined;
    const fails = expected.status !== 'ok';
    const transfer: [number, number] = [at, valid];
    this.#filled.length = 0;
    this.#transfers(Command.READ, at, sectors, {
      ...expected,
      transfer: shown && valid > 0 ? transfer : undefined,
    });
    const filled = shown && !fails && valid < sectors;
    same(this.#filled.join(' '), filled ? `${valid},${sectors}` : '');
  }

  #setCondition(sector: number, condition: 'read-only' | 'offline'): string {
    try {
      return this.device.zones.setCondition(sector, condition) ? 'ok' : 'inval';
    } catch (error) {
      if (error instanceof ErrnoError && error.errno === 'ENOMEM') return 'nomem';
      throw error;
    }
  }

  #compare(): void {
    same(this.#seen(), this.#expected());
  }

  /** All that can be seen, as text: comparing objects would take most of the time of a run. */
  #seen(): string {
    const { zones, discarded } = this.device;
    const lines = zones.report().map((zone) => {
      const { start, length, capacity, writePointer, type, condition } = zone;
      const name = zoneConditionNames[condition];
      return `${start}+${length} ${capacity} ${name}@${writePointer} ${type}`;
    });
    lines.push(`${zones.openCount} open, ${zones.activeCount} active`);
    for (const condition of Object.values(ZoneCondition)) {
      lines.push(`${zoneConditionNames[condition]}: ${zones.countOf(condition)}`);
    }
    lines.push(`discarded ${discarded.map(([start]) => start).join()}`);
    return lines.join('\n');
  }

  #expected(): string {
    const { zones, discarded, open, active } = this.model;
    const lines = zones.map(({ start, length, capacity, condition, wp }) => {
      const type = condition === 'not-wp' ? 1 : 2;
      return `${start}+${length} ${capacity} ${condition}@${wp} ${type}`;
    });
    lines.push(`${open} open, ${active} active`);
    for (const condition of Object.values(ZoneCondition)) {
      const name = zoneConditionNames[condition];
      lines.push(`${name}: ${zones.filter((one) => one.condition === name).length}`);
    }
    lines.push(`discarded ${discarded.join()}`);
    return lines.join('\n');
  }
}

function startOf({ offset }: Step, { start, length, wp }: ModelZone): number {
  if (offset < 0) return wp >= start && wp < start + length ? wp : start;
  return start + (offset % length);
}
