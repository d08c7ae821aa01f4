/** The step that puts a write cache in front of the store's step: what it does not hold, and what must
 *  not stay in it, goes on to the store. Flushes do not come here (flusher.ts).
 *  Source: driver.md section 4, Cache. */

import { Command } from '../../block/command.ts';
import type { Sector } from '../../units.ts';
import type { NullOwned } from '../completion.ts';
import { outOfMemory, readSegments, type Step, writeSegments } from '../path.ts';
import type { WriteCache } from './write-cache.ts';

const NOTHING = 0 as Sector; // no sectors

/** @param store the step of the page store behind `cache`. */
export function cacheStep(cache: WriteCache, store: Step): Step {
  return (request, sectors) => {
    switch (request.command()) {
      case Command.READ:
        // A large read of what is not cached is answered with the store's own pages.
        if (!cache.holdsAny(request.sector(), request.sector() + sectors))
          return store(request, sectors);
        return readSegments(cache, request, NOTHING, sectors) ? sectors : outOfMemory(request);
      case Command.WRITE:
      case Command.ZONE_APPEND:
        if (request.isFua()) return past(cache, store, request, sectors);
        return writeSegments(cache, request, sectors);
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
