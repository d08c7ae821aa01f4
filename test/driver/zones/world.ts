/** A zoned device without data: the zone rules behind a real disk, and inner steps that record what reached
 *  them. For tests. */

import { Command } from '../../../src/block/command.ts';
import type { IdleRequest } from '../../../src/block/owned.ts';
import { Status } from '../../../src/block/status.ts';
import { type NullData, NullRequestData } from '../../../src/driver/completion.ts';
import type { Step } from '../../../src/driver/path.ts';
import type { ZoneInfo, ZoneOptions } from '../../../src/driver/zones/zone.ts';
import { ZoneCondition, zoneConditionNames } from '../../../src/driver/zones/zone.ts';
import { zoneRules } from '../../../src/driver/zones/zone-rules.ts';
import { ZoneSet } from '../../../src/driver/zones/zone-set.ts';
import { bug, type Sector, sector } from '../../../src/units.ts';
import { makeDisk, TestBio, World } from '../../block/world.ts';

export interface Geometry extends Partial<Omit<ZoneOptions, 'capacity'>> {
  readonly capacity?: number;
}

/** Eight zones of 64 sectors, without limits. */
export function zoneOptions(geometry: Geometry = {}): ZoneOptions {
  const { capacity = 512, zoneSectors = 64, ...rest } = geometry;
  return {
    capacity: sector(capacity),
    zoneSectors,
    zoneCapacitySectors: zoneSectors,
    conventional: 0,
    maxOpen: 0,
    maxActive: 0,
    appendMaxSectors: 2 ** 31 - 1,
    full: false,
    ...rest,
  };
}

export interface Outcome {
  readonly status: Status;
  /** Where the request went: its sector afterwards. */
  readonly sector: number;
  /** How many sectors its step said were done. */
  readonly done: number;
}

/** A disk for one zoned device after another: a test of many sequences has no need of a disk for each. */
export class ZoneDisk {
  /** Of the device that has the disk now. */
  rules: Step = () => bug('no device has the disk');
  readonly #world = new World();
  readonly #submit: (bio: TestBio) => void;
  readonly #outcomes: Outcome[] = [];

  constructor() {
    const { hctx } = makeDisk<NullData>(this.#world, {
      makeRequestData: () => new NullRequestData(),
      queueRq: (request) => this.#queue(request),
    });
    this.#submit = (bio) => {
      hctx.submit(bio.bio);
      hctx.unplug();
      this.#world.settle();
    };
  }

  /** One request, processed and ended. */
  issue(command: Command, at: number, sectors: number): Outcome {
    const payload = command === Command.READ ? undefined : nothing;
    const bio = new TestBio(command, at, sectors, payload);
    this.#submit(bio);
    const outcome = this.#outcomes.pop() ?? bug('the request never came');
    if (bio.ends !== 1 || bio.status !== outcome.status) bug('the bio ended otherwise');
    return outcome;
  }

  #queue(request: IdleRequest<NullData>): Status {
    const owned = request.start();
    const done = this.rules(owned, owned.sectors());
    this.#outcomes.push({ status: owned.status(), sector: owned.sector(), done });
    owned.end(owned.status());
    return Status.OK;
  }
}

const nothing = new Uint8Array(0);

export class ZonedDevice {
  readonly zones: ZoneSet;
  /** What reached the inner step: command, sector, sectors. */
  readonly reached: [Command, number, number][] = [];
  /** What was discarded: sector, sectors. */
  readonly discarded: [number, number][] = [];
  readonly refused: string[] = [];
  /** The first bad sector: a request that holds it does what is before it and fails. -1 none. */
  bad = -1;
  /** Whether a discard fails for want of memory. */
  outOfMemory = false;
  readonly #disk: ZoneDisk;

  /** @param wrap a step between the rules and the one that writes down.
   *  @param disk the device takes it from the one that has it. */
  constructor(
    geometry: Geometry = {},
    wrap: (inner: Step, zones: ZoneSet) => Step = (inner) => inner,
    disk: ZoneDisk = new ZoneDisk(),
  ) {
    this.zones = new ZoneSet(zoneOptions(geometry), (at, sectors) => {
      if (this.outOfMemory) return false;
      this.discarded.push([at, sectors]);
      return true;
    });
    const innermost = wrap((request, sectors) => this.#transfer(request, sectors), this.zones);
    this.#disk = disk;
    disk.rules = zoneRules(this.zones, innermost, (text) => this.refused.push(text));
  }

  issue(command: Command, at = 0, sectors = 1): Outcome {
    return this.#disk.issue(command, at, sectors);
  }

  write(at: number, sectors: number): Status {
    return this.issue(Command.WRITE, at, sectors).status;
  }
  open(at: number): Status {
    return this.issue(Command.ZONE_OPEN, at, this.zones.options.zoneSectors).status;
  }
  close(at: number): Status {
    return this.issue(Command.ZONE_CLOSE, at, this.zones.options.zoneSectors).status;
  }
  finish(at: number): Status {
    return this.issue(Command.ZONE_FINISH, at, this.zones.options.zoneSectors).status;
  }
  reset(at: number): Status {
    return this.issue(Command.ZONE_RESET, at, this.zones.options.zoneSectors).status;
  }

  zone(index: number): ZoneInfo {
    return this.zones.info(index);
  }

  /** The zones in short: `empty@0 full@128`. */
  brief(...indexes: number[]): string {
    return indexes
      .map((index) => this.zone(index))
      .map(({ condition, writePointer }) => `${zoneConditionNames[condition]}@${writePointer}`)
      .join(' ');
  }

  /** Brings zone `index`, which is EMPTY, into `condition`, with something written where it can. */
  bring(index: number, condition: ZoneCondition): void {
    const at = this.zones.start(index);
    if (condition === ZoneCondition.NOT_WP || condition === ZoneCondition.EMPTY) return;
    if (condition === ZoneCondition.EXP_OPEN) this.open(at);
    this.write(at, 8);
    if (condition === ZoneCondition.CLOSED) this.close(at);
    else if (condition === ZoneCondition.FULL) this.finish(at);
    else if (condition === ZoneCondition.READONLY) this.zones.setCondition(at, 'read-only');
    else if (condition === ZoneCondition.OFFLINE) this.zones.setCondition(at, 'offline');
  }

  #transfer: Step = (request, sectors) => {
    const at = request.sector();
    this.reached.push([request.command(), at, sectors]);
    if (this.bad < at || this.bad >= at + sectors) return sectors;
    request.setStatus(Status.IOERR);
    return (this.bad - at) as Sector; // fewer than `sectors`
  };
}
