/** What a device holds at one moment: data, bad blocks, zones and the content of its cache, shared with
 *  whoever else holds them until either side changes them. Knows no device and no name.
 *  Source: crash.md section 1. */

import type { Work } from '../../time/slicer.ts';
import type { RangeList } from '../range-list.ts';
import type { CachePages } from '../storage/cache-pages.ts';
import type { HeldSlabs } from '../storage/held-slabs.ts';
import type { FrozenZones } from '../zones/zone-set.ts';

/** What power off loses. */
export interface VolatileImage {
  /** Undefined: none, or empty. */
  readonly cache: CachePages | undefined;
  /** Undefined: as at power on. */
  readonly zones: FrozenZones | undefined;
}

/** INVARIANT: until `endImage`, what is in it keeps its memory. */
export interface DeviceImage extends VolatileImage {
  /** Undefined: the device never had any. */
  readonly data: HeldSlabs | undefined;
  readonly badBlocks: RangeList;
}

/** The same for somebody else, in no time. */
export function forkImage({ data, badBlocks, cache, zones }: DeviceImage): DeviceImage {
  return { data: data?.fork(), badBlocks: badBlocks.fork(), cache: cache?.fork(), zones };
}

/** Nobody needs it any more; its memory goes back in pieces. */
export function* endImage({ data, cache }: Partial<DeviceImage>): Work {
  if (data !== undefined) yield* data.end();
  if (cache !== undefined) yield* cache.end();
}

/** Bytes of memory that nobody else holds, in pieces. */
export function* ownBytes({ data, cache }: DeviceImage): Work<number> {
  const slabs = data === undefined ? 0 : yield* data.ownBytes();
  return slabs + (cache === undefined ? 0 : yield* cache.ownBytes());
}
