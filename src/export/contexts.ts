/** What BLOCK_STATUS can report about an export: its metadata contexts, each a function from a place on the
 *  disk to a run of sectors and a status. Knows no wire. Source: nbd-protocol.md section 3.5;
 *  docs/nbd-zones.md. */

import type { Disk, ZoneReport, Zones } from '../block/disk.ts';
import { Extent } from '../block/extents.ts';
import { SECTOR_BYTES } from '../units.ts';

/** A run of sectors and its status of up to 64 bits; made once and filled again and again. */
export class StatusRun {
  sectors = 0;
  high = 0;
  low = 0;
}

export interface Context {
  readonly name: string;
  /** Its statuses need more than 32 bits: for extended headers only. */
  readonly needs64Bits: boolean;
  /** Neighbours with the same status are one extent. */
  readonly merges: boolean;
  /** The run that begins at `sector`, up to `end`; a run that is a unit of its own may end beyond it. */
  at(sector: number, end: number, into: StatusRun): void;
}

const TWO_TO_32 = 2 ** 32;
const ZONE32_OFFSET_MAX = 2 ** 24 - 1;

/** The contexts of `disk`, base:allocation first. */
export function contextsOf(disk: Disk): readonly Context[] {
  const { zones } = disk;
  if (zones === undefined) return [allocation(disk)];
  const narrow = fitsZone32(zones, disk.limits.blockBytes);
  return [
    allocation(disk),
    zone(zones),
    ...(narrow ? [zone32(zones, disk.limits.blockBytes)] : []),
    zoneCapacity(zones),
  ];
}

function allocation(disk: Disk): Context {
  const extent = new Extent();
  return {
    name: 'base:allocation',
    needs64Bits: false,
    merges: true,
    at(sector, end, into) {
      disk.extents.at(sector, end, extent);
      into.sectors = extent.sectors;
      into.high = 0;
      into.low = extent.status;
    },
  };
}

/** One extent for each zone, whole from the requested place on. */
function perZone(
  zones: Zones,
  name: string,
  needs64Bits: boolean,
  fill: (info: ZoneReport, into: StatusRun) => void,
): Context {
  return {
    name,
    needs64Bits,
    merges: false,
    at(sector, _, into) {
      const info = zones.info(zones.indexOf(sector));
      into.sectors = info.start + info.length - sector;
      fill(info, into);
    },
  };
}

/** Bits 0-47 the write pointer in sectors (the zone's start where there is none), 48-51 the condition,
 *  52-55 the type. */
function zone(zones: Zones): Context {
  return perZone(zones, 'x-tnull:zone', true, (info, into) => {
    const pointer = info.writePointer < 0 ? info.start : info.writePointer;
    const rest = Math.floor(pointer / TWO_TO_32);
    into.high = ((info.type << 20) | (info.condition << 16) | rest) >>> 0;
    into.low = pointer % TWO_TO_32;
  });
}

/** Bits 0-3 the condition, 4-7 the type, 8-31 the write pointer's offset in its zone in blocks. */
function zone32(zones: Zones, blockBytes: number): Context {
  return perZone(zones, 'x-tnull:zone32', false, (info, into) => {
    const pointer = info.writePointer < 0 ? info.start : info.writePointer;
    const blocks = ((pointer - info.start) * SECTOR_BYTES) / blockBytes;
    into.high = 0;
    into.low = ((blocks << 8) | (info.type << 4) | info.condition) >>> 0;
  });
}

function fitsZone32(zones: Zones, blockBytes: number): boolean {
  const { length } = zones.info(0); // no other is longer
  return (length * SECTOR_BYTES) / blockBytes <= ZONE32_OFFSET_MAX;
}

function zoneCapacity(zones: Zones): Context {
  const wide = zones.info(0).length >= TWO_TO_32;
  return perZone(zones, 'x-tnull:zone-capacity', wide, (info, into) => {
    into.high = Math.floor(info.capacity / TWO_TO_32);
    into.low = info.capacity % TWO_TO_32;
  });
}
