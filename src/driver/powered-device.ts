/** A device while it is powered on, and the path of its requests, which it composes from its options and
 *  again when a live attribute changes. Made at power on, gone at power off; what survives (data, bad blocks,
 *  fault settings) is in null-device.ts. Source: driver.md sections 1 to 3. */

import { Disk } from '../block/disk.ts';
import type { Judge } from '../block/limits.ts';
import { RequestQueue } from '../block/request-queue.ts';
import type { TagSet } from '../block/tag-set.ts';
import { sizeOf } from '../config/judge-size.ts';
import type { DeviceOptions } from '../config/parameters.ts';
import { bytes, MiB, SECTOR_BYTES, type Sector } from '../units.ts';
import { capacityOf, features, limits, zoneOptions } from './capabilities.ts';
import { completionOf, type NullData } from './completion.ts';
import { composePath, type Pathed, refusedByZones } from './compose-path.ts';
import { ControlRequests } from './control-requests.ts';
import { extentsOf } from './extents.ts';
import { Flusher } from './flusher.ts';
import { composeGate, type Gate } from './gate.ts';
import { NullOperations } from './null-operations.ts';
import { makeTagSet } from './null-tag-set.ts';
import type { Parts } from './parts.ts';
import { WriteCache } from './storage/write-cache.ts';
import { Throttle } from './throttle.ts';
import { ZoneRequests } from './zone-requests.ts';
import { ResetAll } from './zones/reset-all.ts';
import { ZoneSet } from './zones/zone-set.ts';

const everything: Judge = { firstJudged: (sector) => sector };

export class PoweredDevice implements Pathed {
  /** Replaced by a live change of the queues. */
  options: DeviceOptions;
  readonly disk: Disk<NullData>;
  readonly zones: ZoneSet | undefined;
  readonly cache: WriteCache | undefined;
  readonly throttle: Throttle | undefined;
  /** Requests of the control side. */
  readonly requests: ControlRequests;
  /** Undefined: not zoned. */
  readonly zoneRequests: ZoneRequests | undefined;
  /** Power is being switched off. */
  leaving = false;
  readonly #parts: Parts;
  readonly #operations: NullOperations;

  /** @param tags the shared tag set, or undefined for one of its own.
   *  @throws HctxError, RangeError: nothing is left behind. */
  constructor(options: DeviceOptions, parts: Parts, tags: TagSet<NullData> | undefined) {
    const { name, context, store, slicer } = parts;
    this.options = options;
    this.#parts = parts;
    this.cache = makeCache(options, parts);
    const { cache } = this;
    this.zones = options.zoned
      ? new ZoneSet(zoneOptions(options), discardOf(parts, cache))
      : undefined;
    const { zones } = this;
    const completion = completionOf(options, context);
    const { complete } = completion;
    this.#operations = new NullOperations(
      parts,
      completion,
      cache && new Flusher(cache, context, complete),
      zones && new ResetAll({ zones, slicer, complete, onRefused: refusedByZones }),
      // Memory never waits: only a device without memory has a handler that may.
      options.blocking && store === undefined,
    );
    const queue = new RequestQueue<NullData>(
      tags ?? makeTagSet(options, context, false),
      this.#operations,
      name,
      limits(options),
      extentsOf(store, cache, zones),
    );
    const capacity = (capacityOf(options) / SECTOR_BYTES) as Sector; // whole blocks are whole sectors; see Disk for huge ones
    const can = features(options, cache !== undefined);
    this.disk = new Disk(name, capacity, can, queue, zones, sizeOf(options));
    this.throttle = options.mbps > 0 ? new Throttle(options.mbps, context, queue) : undefined;
    const { disk } = this;
    const requests = new ControlRequests(disk, context.allocator);
    this.requests = requests;
    const allocator = store && context.allocator;
    this.zoneRequests =
      zones && new ZoneRequests({ zones, disk, requests, context, slicer, allocator });
    this.recompose();
  }

  /** True when a request does nothing but move bytes, for as long as it is powered on. */
  get mayMoveBytesOnly(): boolean {
    const { irqmode, journal } = this.options;
    return this.zones === undefined && this.cache === undefined && irqmode !== 2 && !journal;
  }

  /** Is no command of clients carried out in part? */
  get isBetweenCommands(): boolean {
    const { queue } = this.disk;
    return queue.isBetweenCommands && this.#operations.isQuiet(queue.hctxs());
  }

  /** Composes gate and path from the present live attributes, between two requests.
   *  @returns true when a request does nothing but move bytes, so that any thread may do it. */
  recompose(): boolean {
    const { badBlocks, faults } = this.#parts;
    const gate = this.leaving ? undefined : composeGate(faults, this.throttle);
    this.#operations.execute = composePath(this, this.#parts);
    this.#operations.gate = gate;
    this.disk.queue.judge = this.#judge(gate);
    return this.mayMoveBytesOnly && !this.leaving && !badBlocks.enabled && gate === undefined;
  }

  /** What judges each request of the device by itself, with the present live attributes. */
  #judge(gate: Gate | undefined): Judge | undefined {
    const { badBlocks } = this.#parts;
    if (this.zones !== undefined || gate !== undefined) return everything;
    if (!badBlocks.enabled) return undefined;
    return { firstJudged: (sector, end) => badBlocks.firstBad(sector, end - sector) };
  }
}

function makeCache(options: DeviceOptions, { store, context }: Parts): WriteCache | undefined {
  if (store === undefined || options.cache_size === 0) return undefined;
  return new WriteCache(store, context.allocator, {
    capacity: bytes(capacityOf(options)),
    cacheBytes: bytes(options.cache_size * MiB),
    blockSectors: options.bs / SECTOR_BYTES,
  });
}

/** Frees what a zone holds; the memory of large zones goes back in pieces. */
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
