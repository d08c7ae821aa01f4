/** Options to a disk: tag set, limits, features, and the steps of the path in their order, composed
 *  so that what is off costs nothing. Source: driver.md sections 1 and 3; docs/architecture.md, Gate and path. */

import type { BlockContext } from '../block/context.ts';
import { Disk } from '../block/disk.ts';
import { RequestQueue } from '../block/request-queue.ts';
import { Status } from '../block/status.ts';
import type { TagSet } from '../block/tag-set.ts';
import { sizeOf, wholeBlocks } from '../config/judge-size.ts';
import type { DeviceOptions } from '../config/parameters.ts';
import type { SharedDevice } from '../direct/shared-device.ts';
import type { SlabAllocator } from '../pages/allocator.ts';
import type { DeferredWork } from '../time/deferred.ts';
import type { Slicer } from '../time/slicer.ts';
import { bytes, MiB, nanoseconds, SECTOR_BYTES, type Sector, toSectors } from '../units.ts';
import { type BadBlocks, badBlocksStep } from './badblocks.ts';
import { features, limits } from './capabilities.ts';
import {
  completeDeferred,
  completeInline,
  type NullData,
  type NullOwned,
  TimedCompletion,
} from './completion.ts';
import { ControlRequests } from './control-requests.ts';
import { extentsOf } from './extents.ts';
import { Flusher } from './flusher.ts';
import type { Faults } from './gate.ts';
import { makeTagSet } from './null-tag-set.ts';
import { discardGuard, fillRead, nullStep, type Step, storeStep } from './path.ts';
import { type PathOptions, PoweredDevice } from './powered-device.ts';
import { cacheStep } from './storage/cache-step.ts';
import type { PageStore } from './storage/page-store.ts';
import { WriteCache } from './storage/write-cache.ts';
import { Throttle } from './throttle.ts';
import { ZoneRequests } from './zone-requests.ts';
import { zoneReadClip } from './zones/read-clip.ts';
import { ResetAll } from './zones/reset-all.ts';
import { type OnRefused, zoneRules } from './zones/zone-rules.ts';
import { ZoneSet } from './zones/zone-set.ts';

const NO_LIMIT = Number.POSITIVE_INFINITY;

/** Makes of a device one that threads for sockets may read and write themselves.
 *  @param capacity bytes. @returns undefined: they may not. */
export type Share = (capacity: number) => SharedDevice | undefined;

export interface DeviceContext extends BlockContext {
  readonly allocator: SlabAllocator;
  readonly debug: boolean;
  /** Every random choice follows from it. */
  readonly faultSeed: string;
  /** Undefined: there are no threads for sockets. */
  readonly share?: Share | undefined;
  /** Says a line to whoever runs the program. */
  readonly warn?: (line: string) => void;
}

/** What a device brings along from before it was powered on. */
export interface Parts {
  readonly name: string;
  readonly context: DeviceContext;
  readonly store: PageStore | undefined;
  readonly badBlocks: BadBlocks;
  readonly faults: Faults;
  /** Of all devices' long work. */
  readonly slicer: Slicer;
  /** Gives unused memory back in the deferred context. */
  readonly tidy: DeferredWork;
}

/** A device that is powered on. */
export interface Powered {
  options: DeviceOptions;
  readonly disk: Disk<NullData>;
  readonly device: PoweredDevice;
  readonly zones: ZoneSet | undefined;
  readonly cache: WriteCache | undefined;
  readonly throttle: Throttle | undefined;
  /** Failures that the driver knows the cause of. */
  readonly causes: Causes;
  /** The path as the live attributes have it now. */
  compose(): Step;
  /** What the control side has sent. */
  readonly requests: ControlRequests;
  /** Undefined: not zoned. */
  readonly zoneRequests: ZoneRequests | undefined;
  /** Power is being switched off. */
  leaving: boolean;
}

export interface Causes {
  badblocks: number;
  zones: number;
}

/** Bytes of the whole blocks that a device is made of; rounded from 2^62 on, see Disk. */
export function capacityOf(options: DeviceOptions): number {
  return Number(wholeBlocks(options));
}

/** @param tags the shared tag set, or undefined for one of its own.
 *  @throws HctxError, RangeError: nothing is left behind. */
export function buildDisk(
  options: DeviceOptions,
  parts: Parts,
  tags: TagSet<NullData> | undefined,
): Powered {
  const { context, store, faults } = parts;
  const capacity = capacityOf(options);
  const cache =
    store !== undefined && options.cache_size > 0
      ? new WriteCache(store, context.allocator, {
          capacity: bytes(capacity),
          cacheBytes: bytes(options.cache_size * MiB),
          blockSectors: options.bs / SECTOR_BYTES,
        })
      : undefined;
  const zones = options.zoned
    ? new ZoneSet(zoneOptions(options), discardOf(parts, cache))
    : undefined;
  const causes: Causes = { badblocks: 0, zones: 0 };
  const compose = (): Step => composePath(options, parts, { zones, cache, causes });
  const { complete, batch } = completion(options, context);
  const device = new PoweredDevice({
    execute: compose(),
    ...{ complete, batch, context },
    flusher: cache && new Flusher(cache, context, complete),
    resetAll:
      zones &&
      new ResetAll({ zones, slicer: parts.slicer, complete, onRefused: refusedBy(causes) }),
    initHctx: faults.init_hctx,
    // Memory never waits: only a device without it has a handler that may.
    blocking: options.blocking && store === undefined,
  });
  const tagSet = tags ?? makeTagSet(options, context, false);
  const queue = new RequestQueue<NullData>(
    tagSet,
    device,
    parts.name,
    limits(options),
    extentsOf(store, cache, zones),
  );
  const disk = new Disk(
    parts.name,
    (capacity / SECTOR_BYTES) as Sector, // whole blocks are whole sectors; see Disk for huge ones
    features(options, cache !== undefined),
    queue,
    zones,
    sizeOf(options),
  );
  const requests = new ControlRequests(disk, context.allocator);
  const throttle = options.mbps > 0 ? new Throttle(options.mbps, context, queue) : undefined;
  return {
    options,
    disk,
    device,
    zones,
    cache,
    throttle,
    causes,
    compose,
    requests,
    zoneRequests:
      zones &&
      new ZoneRequests({
        ...{ zones, disk, requests, context, slicer: parts.slicer },
        allocator: store && context.allocator,
      }),
    leaving: false,
  };
}

/** Frees what a zone holds; the memory of large ones goes back in pieces. */
function discardOf(
  { store, slicer, tidy, context }: Parts,
  cache: WriteCache | undefined,
): (first: Sector, sectors: Sector) => boolean {
  return (first, sectors) => {
    const done = (cache ?? store)?.discard(first, sectors) ?? true;
    if (store?.needsDrain) void slicer.run(store.drain());
    if (cache?.needsDrain) {
      void slicer.run(cache.drain()).then(() => context.deferred.raiseNextTurn(tidy));
    }
    return done;
  };
}

interface Volatile {
  readonly zones: ZoneSet | undefined;
  readonly cache: WriteCache | undefined;
  readonly causes: Causes;
}

/** zone rules ( bad blocks ( read clip ( cache and pages ))). */
function composePath(
  options: DeviceOptions,
  parts: Parts,
  { zones, cache, causes }: Volatile,
): Step {
  const { store, badBlocks } = parts;
  let step = store === undefined ? nullStep() : memoryStep(store, cache, parts);
  if (zones !== undefined && store !== undefined) {
    step = zoneReadClip(zones, step, (request, from, to) => {
      if (!fillRead(request, from, to, 'ones')) request.setStatus(Status.NOSPC);
    });
  }
  if (badBlocks.enabled) {
    const hit = (text: string, request: NullOwned, at: number): void => {
      causes.badblocks++;
      explain(request, text, at);
    };
    step = badBlocksStep(
      badBlocks,
      options.badblocks_once,
      options.badblocks_partial_io,
      options.bs / SECTOR_BYTES,
      step,
      hit,
    );
  }
  if (zones === undefined) return discardGuard(options.discard, step);
  return zoneRules(zones, step, refusedBy(causes));
}

function refusedBy(causes: Causes): OnRefused {
  return (text, request) => {
    causes.zones++;
    explain(request, text, request.sector());
  };
}

/** The first thing that went wrong is what is told. */
function explain(request: NullOwned, text: string, sector: number): void {
  const bio = request.bio();
  if (bio.reason !== undefined) return;
  bio.reason = text;
  bio.failedAt = sector;
}

function memoryStep(store: PageStore, cache: WriteCache | undefined, parts: Parts): Step {
  const inner = storeStep(store);
  const transfer = cache === undefined ? inner : cacheStep(cache, inner);
  const { context, tidy } = parts;
  return (request, sectors) => {
    const done = transfer(request, sectors);
    if (store.needsCompaction || cache?.needsTrim) context.deferred.raiseNextTurn(tidy);
    return done;
  };
}

function completion(
  options: DeviceOptions,
  context: BlockContext,
): Pick<PathOptions, 'complete' | 'batch'> {
  switch (options.irqmode) {
    case 0:
      return { complete: completeInline, batch: undefined };
    case 1:
      return { complete: completeDeferred, batch: undefined };
    case 2: {
      const batch = new TimedCompletion(nanoseconds(options.completion_nsec), context);
      return { complete: batch.complete, batch };
    }
  }
}

function zoneOptions(options: DeviceOptions) {
  const zoneSectors = (options.zone_size * MiB) / SECTOR_BYTES;
  const capacitySectors = (options.zone_capacity * MiB) / SECTOR_BYTES;
  const { maxSectors } = limits(options);
  return {
    capacity: toSectors(bytes(capacityOf(options))),
    zoneSectors,
    zoneCapacitySectors: capacitySectors === 0 ? zoneSectors : capacitySectors,
    conventional: options.zone_nr_conv,
    maxOpen: options.zone_max_open,
    maxActive: options.zone_max_active,
    // An append is one request.
    appendMaxSectors: Math.min(options.zone_append_max_sectors, maxSectors || NO_LIMIT),
    full: options.zone_full,
  };
}
