/** A disk: a name, a capacity, limits and features, and the request queue behind them. What an
 *  exporter needs to know of a device, and the way to reach its hardware queues. */

import { type Sector, toBytes } from '../units.ts';
import type { CommandError } from './command-error.ts';
import type { CommandJournal } from './command-journal.ts';
import type { DriverData } from './driver-data.ts';
import type { Extents } from './extents.ts';
import type { Features, Limits } from './limits.ts';
import type { RequestLog } from './request-log.ts';
import type { RequestQueue } from './request-queue.ts';

/** One zone. Sectors; a write pointer of -1 is none; type and condition are Linux's numbers. */
export interface ZoneReport {
  readonly start: number;
  readonly length: number;
  readonly capacity: number;
  readonly writePointer: number;
  readonly type: number;
  readonly condition: number;
}

/** The zones of a zoned disk, in order; together they cover it. */
export interface Zones {
  readonly count: number;
  /** Of the zone that holds `sector`. */
  indexOf(sector: number): number;
  info(index: number): ZoneReport;
}

export class Disk<D extends DriverData = DriverData> {
  readonly name: string;
  /** Whole blocks. Above 2^53 sectors it is rounded to a double. */
  readonly capacity: Sector;
  /** Bytes that clients see, exactly: the last block may lie beyond them in part. A bigint where a
   *  number may not hold them. */
  readonly size: number | bigint;
  readonly features: Features;
  readonly queue: RequestQueue<D>;
  /** Undefined: nobody writes down what clients do. */
  journal: CommandJournal | undefined = undefined;
  /** The same without data; it comes and goes while there are clients. */
  log: RequestLog | undefined = undefined;
  /** Hears of each command that is answered with an error. Undefined: nobody listens. */
  onError: ((error: CommandError) => void) | undefined = undefined;
  /** Undefined: the disk is not zoned. */
  readonly zones: Zones | undefined;

  constructor(
    name: string,
    capacity: Sector,
    features: Features,
    queue: RequestQueue<D>,
    zones?: Zones,
    size: number | bigint = toBytes(capacity),
  ) {
    this.name = name;
    this.capacity = capacity;
    this.size = size;
    this.features = features;
    this.queue = queue;
    this.zones = zones;
  }

  get limits(): Limits {
    return this.queue.limits;
  }

  get extents(): Extents {
    return this.queue.extents;
  }
}
