/** A disk: a name, a capacity, limits and features, and the request queue behind them. What an
 *  exporter needs to know of a device, and the way to reach its hardware queues. */

import { type Sector, toBytes } from '../units.ts';
import type { DriverData } from './driver-data.ts';
import { Allocation, type Extents } from './extents.ts';
import type { RequestQueue } from './request-queue.ts';

export interface Limits {
  /** Logical and physical block size in bytes: a power of two, 512..4096. */
  readonly blockBytes: number;
  /** Largest request in sectors of a READ, a WRITE, or a WRITE_ZEROES where it is judged; longer bios
   *  are split. 0 = no limit. */
  readonly maxSectors: number;
  /** Discards and zeroes are cut into slices of so many sectors (max_hw_discard_sectors). */
  readonly sliceSectors: number;
  /** Zeroing a hole takes no time, so a slice may go on to its end. */
  readonly freeHoles: boolean;
  /** No request crosses a multiple of so many sectors: the zone size. 0 = no such boundary. */
  readonly chunkSectors: number;
  /** Segments of a request may meet at page boundaries only; others are split there. */
  readonly virtBoundary: boolean;
}

/** What may end one request of a bio and not the next: bad blocks, zones, faults. Where it may, the parts
 *  of a long discard or of zeroes are no longer than those of a write. */
export interface Judge {
  /** The first sector in [sector, end) that matters to it, or -1. */
  firstJudged(sector: number, end: number): number;
}

export interface Features {
  readonly rotational: boolean;
  /** Accepts discards; a zoned disk takes those that cover whole zones as resets. */
  readonly discard: boolean;
  /** Written data may be lost until they are flushed. */
  readonly writeCache: boolean;
  /** With a write cache: single writes can be made durable. */
  readonly fua: boolean;
  /** Host-managed zones: writes go to write pointers only, in order. */
  readonly zoned: boolean;
  /** Writing zeroes by a command takes less time than writing them as data. */
  readonly fastZeroes: boolean;
  /** A read may be answered with views of the device's own pages. */
  readonly views: boolean;
  /** A request ends inside `queueRq`: what it filled needs no place of its own meanwhile. */
  readonly completesInline: boolean;
}

/** Of a disk that does not tell: everything may be data. */
const allData: Extents = {
  at(sector, end, into) {
    into.sectors = end - sector;
    into.status = Allocation.DATA;
  },
};

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
  readonly limits: Limits;
  readonly features: Features;
  readonly queue: RequestQueue<D>;
  readonly extents: Extents;
  /** Undefined: the disk is not zoned. */
  readonly zones: Zones | undefined;
  /** Set by the driver, also live. Undefined: each request of a bio ends as the others do. */
  judge: Judge | undefined = undefined;

  constructor(
    name: string,
    capacity: Sector,
    limits: Limits,
    features: Features,
    queue: RequestQueue<D>,
    extents: Extents = allData,
    zones?: Zones,
    size: number | bigint = toBytes(capacity),
  ) {
    this.name = name;
    this.capacity = capacity;
    this.size = size;
    this.limits = limits;
    this.features = features;
    this.queue = queue;
    this.extents = extents;
    this.zones = zones;
    queue.attach(this);
  }
}
