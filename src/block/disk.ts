/** A disk: a name, a capacity, limits and features, and the request queue behind them. What an
 *  exporter needs to know of a device, and the way to reach its hardware queues. */

import type { Sector } from '../units.ts';
import type { HwQueue } from './hw-queue.ts';
import type { RequestQueue } from './request-queue.ts';

export interface Limits {
  /** Logical and physical block size in bytes: a power of two, 512..4096. */
  readonly blockBytes: number;
  /** Largest READ or WRITE request in sectors; longer bios are split. 0 = no limit. */
  readonly maxSectors: number;
  /** Discards and zeroes are cut into slices of so many sectors. */
  readonly sliceSectors: number;
}

export interface Features {
  readonly rotational: boolean;
  readonly discard: boolean;
  /** A read may be answered with views of the device's own pages. */
  readonly views: boolean;
  /** A request ends inside `queueRq`: what it filled needs no place of its own meanwhile. */
  readonly completesInline: boolean;
}

export class Disk<D = unknown> {
  readonly name: string;
  readonly capacity: Sector;
  readonly limits: Limits;
  readonly features: Features;
  readonly queue: RequestQueue<D>;

  constructor(
    name: string,
    capacity: Sector,
    limits: Limits,
    features: Features,
    queue: RequestQueue<D>,
  ) {
    this.name = name;
    this.capacity = capacity;
    this.limits = limits;
    this.features = features;
    this.queue = queue;
    queue.attach(this);
  }

  /** The hardware queue of the `n`-th submitter: connections are spread over the queues in turn. */
  hctxFor(n: number): HwQueue<D> {
    return this.queue.hctx(n % this.queue.hwQueueCount);
  }
}
