/** A null device's space as runs of sectors: zones' write pointers over the write cache over the page store.
 *  Composed at power on, like the path. Source: nbd-protocol.md section 3.5. */

import { Allocation, type Extents } from '../block/extents.ts';
import type { PageStore } from './storage/page-store.ts';
import type { WriteCache } from './storage/write-cache.ts';
import { ZoneCondition } from './zones/zone.ts';
import type { ZoneSet } from './zones/zone-set.ts';

const { DATA, HOLE, ZERO } = Allocation;

/** @param store undefined: nothing is kept, and everything reads as zeros. */
export function extentsOf(
  store: PageStore | undefined,
  cache: WriteCache | undefined,
  zones: ZoneSet | undefined,
): Extents {
  if (store === undefined) return nothing;
  const stored: Extents = cache === undefined ? store : behindCache(cache, store);
  return zones === undefined ? stored : belowPointers(zones, stored);
}

const nothing: Extents = {
  at(sector, end, into) {
    into.sectors = end - sector;
    into.status = HOLE | ZERO;
  },
};

/** What the cache has is data; the store knows the rest. */
function behindCache(cache: WriteCache, store: Extents): Extents {
  return {
    at(sector, end, into) {
      const held = cache.heldRun(sector, end);
      if (held > 0) {
        into.sectors = held;
        into.status = DATA;
      } else {
        store.at(sector, sector - held, into);
      }
    },
    isScattered: cache.holdsAny.bind(cache),
  };
}

/** Sectors at or behind a write pointer hold nothing, and do not read as zeros. */
function belowPointers(zones: ZoneSet, inner: Extents): Extents {
  return {
    at(sector, end, into) {
      const index = zones.indexOf(sector);
      const stop = Math.min(end, zones.start(index) + zones.length(index));
      const valid = validUpTo(zones, index);
      if (sector < valid) {
        inner.at(sector, Math.min(stop, valid), into);
        return;
      }
      into.sectors = stop - sector;
      into.status = HOLE;
    },
    isScattered: (sector, end) => inner.isScattered?.(sector, end) ?? false,
  };
}

/** Where the visible part of a zone's data ends (zones/read-clip.ts); an offline zone shows nothing. */
function validUpTo(zones: ZoneSet, index: number): number {
  const condition = zones.condition(index);
  if (condition === ZoneCondition.OFFLINE) return zones.start(index);
  const pointer = zones.writePointer(index);
  const whole = condition === ZoneCondition.NOT_WP || pointer < 0;
  return whole ? zones.start(index) + zones.length(index) : pointer;
}
