/** The step that puts a write cache in front of the store's step: what it does not hold, and what must
 *  not stay in it, goes on to the store. Flushes do not come here (flusher.ts). Source: driver.md section 4, Cache. */

import { Command } from '../../block/command.ts';
import { Status } from '../../block/status.ts';
import { SegmentCursor } from '../../pages/segments.ts';
import { SECTOR_BYTES, type Sector } from '../../units.ts';
import type { NullOwned } from '../completion.ts';
import type { Step } from '../path.ts';
import type { WriteCache } from './write-cache.ts';

const NOTHING = 0 as Sector; // no sectors

/** @param store the step of the page store behind `cache`. */
export function cacheStep(cache: WriteCache, store: Step): Step {
  const cursor = new SegmentCursor();
  return (request, sectors) => {
    switch (request.command()) {
      case Command.READ:
        // A large read of what is not cached is answered with the store's own pages.
        if (!cache.holdsAny(request.sector(), sectors)) return store(request, sectors);
        return readCached(cache, request, sectors, cursor);
      case Command.WRITE:
      case Command.ZONE_APPEND:
        if (request.isFua()) return past(cache, store, request, sectors);
        return writeCached(cache, request, sectors, cursor);
      case Command.WRITE_ZEROES:
        if (request.isFua()) return past(cache, store, request, sectors);
        return cache.writeZeroes(request.sector(), sectors) ? sectors : outOfMemory(request);
      case Command.DISCARD:
        return past(cache, store, request, sectors);
      default:
        return store(request, sectors);
    }
  };
}

/** The store does it, and what was done is no longer in the cache. */
function past(cache: WriteCache, store: Step, request: NullOwned, sectors: Sector): Sector {
  const done = store(request, sectors);
  if (done > 0) cache.forget(request.sector(), done);
  return done;
}

function outOfMemory(request: NullOwned): Sector {
  request.setStatus(Status.NOSPC);
  return NOTHING;
}

function readCached(
  cache: WriteCache,
  request: NullOwned,
  sectors: Sector,
  cursor: SegmentCursor,
): Sector {
  const bio = request.bio();
  if (!bio.target()) return outOfMemory(request);
  const { segments } = bio;
  segments.seek(cursor, request.bioOffset());
  let left = sectors * SECTOR_BYTES;
  let sector = request.sector();
  while (left > 0) {
    const start = segments.start(cursor.index) + cursor.offset;
    const length = Math.min(left, segments.length(cursor.index) - cursor.offset);
    cache.read(sector, segments.buffer(cursor.index), start, length);
    sector = (sector + length / SECTOR_BYTES) as Sector; // segments are whole sectors
    left -= length;
    cursor.index++;
    cursor.offset = 0;
  }
  return sectors;
}

/** The payload is copied: slabs that the store could adopt stay the bio's, which gives them back. */
function writeCached(
  cache: WriteCache,
  request: NullOwned,
  sectors: Sector,
  cursor: SegmentCursor,
): Sector {
  const { segments } = request.bio();
  segments.seek(cursor, request.bioOffset());
  let left = sectors * SECTOR_BYTES;
  let sector = request.sector();
  while (left > 0) {
    const at = cursor.index;
    const start = segments.start(at) + cursor.offset;
    const length = Math.min(left, segments.length(at) - cursor.offset);
    if (!cache.write(sector, segments.buffer(at), start, length)) return outOfMemory(request);
    sector = (sector + length / SECTOR_BYTES) as Sector; // segments are whole sectors
    left -= length;
    cursor.index++;
    cursor.offset = 0;
  }
  return sectors;
}
