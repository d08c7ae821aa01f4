/** What a device tells the block layer and its exports about itself: limits of a request, and what it can do.
 *  Source: driver.md section 1. */

import type { Features, Limits } from '../block/limits.ts';
import { wholeBlocks } from '../config/judge-size.ts';
import type { DeviceOptions } from '../config/parameters.ts';
import { bytes, MiB, SECTOR_BYTES, sector, toSectors } from '../units.ts';

/** A slice of a discard takes some 20 us; the memory goes back by itself (daemon/memory-return.ts). A slice
 *  of zeroes that keep their memory fills 4 MiB, for which other clients wait up to 1 ms. */
const SLICE = sector((4 * MiB) / SECTOR_BYTES);

/** 512 KiB: copied in some 0.1 ms, or in 0.5 ms to new memory. */
const COPY = sector((512 << 10) / SECTOR_BYTES);

const NO_LIMIT = Number.POSITIVE_INFINITY;

export function limits(options: DeviceOptions): Limits {
  return {
    blockBytes: options.bs,
    maxSectors: options.max_sectors - (options.max_sectors % (options.bs / SECTOR_BYTES)),
    // Without memory nothing takes time, unless each byte is paid for.
    sliceSectors: options.memory_backed || options.mbps > 0 ? SLICE : NO_LIMIT,
    copySectors: options.memory_backed ? COPY : NO_LIMIT,
    cutsCopies: options.memory_backed && options.cache_size > 0,
    freeHoles: !options.zoned && options.mbps === 0,
    chunkSectors: options.zoned ? (options.zone_size * MiB) / SECTOR_BYTES : 0,
    virtBoundary: options.virt_boundary,
  };
}

export function features(options: DeviceOptions, writeCache: boolean): Features {
  return {
    rotational: options.rotational,
    discard: options.discard || options.zoned,
    writeCache,
    fua: options.fua,
    zoned: options.zoned,
    // There they are written, or paid for, like data.
    fastZeroes: !writeCache && !options.zoned && options.mbps === 0,
    views: true,
    completesInline: options.irqmode === 0,
  };
}

/** Bytes of the whole blocks that a device is made of; rounded from 2^62 on, see Disk. */
export function capacityOf(options: DeviceOptions): number {
  return Number(wholeBlocks(options));
}

export function zoneOptions(options: DeviceOptions) {
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
