/** The surroundings of the block layer, moved by hand; and bios whose end is recorded. */

import { Bio, type BioOwner } from '../../src/block/bio.ts';
import { Command } from '../../src/block/command.ts';
import type { BlockContext } from '../../src/block/context.ts';
import { Disk } from '../../src/block/disk.ts';
import type { DriverData } from '../../src/block/driver-data.ts';
import type { HwQueue } from '../../src/block/hw-queue.ts';
import type { Features, Limits } from '../../src/block/limits.ts';
import type { Operations } from '../../src/block/operations.ts';
import { RequestQueue } from '../../src/block/request-queue.ts';
import type { Status } from '../../src/block/status.ts';
import { TagSet, type TagSetOptions } from '../../src/block/tag-set.ts';
import { createSlabAllocator } from '../../src/pages/allocator.ts';
import { Deferred } from '../../src/time/deferred.ts';
import { TimerQueue } from '../../src/time/timer-queue.ts';
import { Turns } from '../../src/time/turns.ts';
import { nanoseconds, type Sector, sector } from '../../src/units.ts';

export class World implements BlockContext {
  /** Nanoseconds. */
  time = 0;
  readonly clock = { now: () => nanoseconds(this.time) };
  readonly turns = new Turns();
  readonly timers = new TimerQueue(this.turns);
  readonly deferred = new Deferred(this.turns);

  /** Lets time pass, then runs what is due. */
  pass(ns: number): void {
    this.time += ns;
    this.timers.expire(nanoseconds(this.time));
    this.settle();
  }

  /** Runs deferred work until there is none. */
  settle(): void {
    for (let turns = 0; this.deferred.pending; turns++) {
      if (turns > 1000) throw new Error('deferred work that never ends');
      this.deferred.run();
    }
  }
}

export const allocator = createSlabAllocator({});

/** A bio with its own life, and its result. */
export class TestBio implements BioOwner {
  readonly bio: Bio;
  /** How often it was said to be done. */
  ends = 0;
  parked = 0;
  views = 0;

  constructor(command: Command, first: number, sectors: number, payload?: Uint8Array) {
    this.bio = new Bio(this, allocator);
    this.bio.reset(command, 0, sector(first), sector(sectors));
    if (payload === undefined) return;
    this.bio.segments.add(payload, 0, payload.length);
    this.bio.borrowed = true;
  }

  get status(): Status {
    return this.bio.status;
  }

  provideTarget(bio: Bio): boolean {
    bio.segments.add(new Uint8Array(bio.sectors * 512), 0, bio.sectors * 512);
    return true;
  }
  acceptsViews(): boolean {
    return true;
  }
  park(bio: Bio): void {
    this.parked++;
    const bytes = bio.segments.buffer(0).slice();
    bio.segments.clear();
    bio.segments.add(bytes, 0, bytes.length);
  }
  viewsReady(): void {
    this.views++;
  }
  bioDone(): void {
    this.ends++;
  }
}

/** A read of one sector. */
export function read(first = 0, sectors = 1): TestBio {
  return new TestBio(Command.READ, first, sectors);
}

export interface DiskOptions extends Partial<TagSetOptions> {
  readonly limits?: Partial<Limits>;
}

/** Requests are split only by slices. */
export const noLimits: Limits = {
  blockBytes: 512,
  maxSectors: 0,
  sliceSectors: 8192,
  copySectors: Number.POSITIVE_INFINITY,
  cutsCopies: false,
  freeHoles: true,
  chunkSectors: 0,
  virtBoundary: false,
};

const features: Features = {
  rotational: false,
  discard: true,
  writeCache: false,
  fua: false,
  zoned: false,
  fastZeroes: true,
  views: true,
  completesInline: true,
};

/** A disk of 2^20 sectors with `operations` for a driver. */
export function makeDisk<D extends DriverData>(
  world: World,
  operations: Operations<D>,
  options: DiskOptions = {},
): { disk: Disk<D>; hctx: HwQueue<D>; set: TagSet<D> } {
  const { limits: own = {}, ...tags } = options;
  const set = new TagSet<D>(operations, { ...defaults, ...tags }, world, undefined);
  const queue = new RequestQueue<D>(set, operations, undefined, { ...noLimits, ...own });
  const capacity = (2 ** 20) as Sector; // a count of sectors
  const disk = new Disk<D>('disk', capacity, features, queue);
  return { disk, hctx: queue.hctx(0), set };
}

export const defaults: TagSetOptions = {
  queues: 1,
  pollQueues: 0,
  depth: 4,
  blocking: false,
  sharedBitmap: false,
  noScheduler: false,
  timeout: nanoseconds(5e9),
  debug: true,
};
