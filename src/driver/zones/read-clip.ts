/** Around the store of a zoned device with memory backing: sectors at or behind a sequential zone's write
 *  pointer were not written, whatever the store still holds, and read as 0xFF.
 *  Source: driver.md section 6, Read. */

import { Command } from '../../block/command.ts';
import type { Sector } from '../../units.ts';
import type { NullOwned } from '../completion.ts';
import type { Step } from '../path.ts';
import { NO_WRITE_POINTER } from './zone.ts';
import type { ZoneSet } from './zone-set.ts';

/** Makes the sectors `from` .. `to - 1` of a request, counted from its first, read as 0xFF. Called
 *  after the sectors before `from` have been read, if there are any. */
export type Fill = (request: NullOwned, from: Sector, to: Sector) => void;

/** Each read here lies in one zone (zone-rules.ts, INSIDE). */
export function zoneReadClip(zones: ZoneSet, inner: Step, fill: Fill): Step {
  return (request, sectors) => {
    if (request.command() !== Command.READ) return inner(request, sectors);
    const valid = validSectors(zones, request.sector(), sectors);
    if (valid === sectors) return inner(request, sectors);
    if (valid > 0) {
      const done = inner(request, valid);
      if (done < valid) return done;
    }
    fill(request, valid, sectors);
    return sectors;
  };
}

/** How many of the `sectors` from `sector` on, all in one zone, show what the store holds: those before the
 *  write pointer. POINTER (zone-set.ts): in a conventional or finished zone it is at the end. */
function validSectors(zones: ZoneSet, sector: Sector, sectors: Sector): Sector {
  const pointer = zones.writePointer(zones.indexOf(sector));
  if (pointer === NO_WRITE_POINTER) return sectors;
  return Math.min(sectors, Math.max(pointer - sector, 0)) as Sector; // of two sector counts
}
