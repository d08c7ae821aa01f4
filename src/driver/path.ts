/** The order of a request's steps through the device, composed once when it powers on: what is off
 *  costs nothing. A step does the first `sectors` of a request, leaves an error in its status, and
 *  says how many it did: so a partial write moves a write pointer. Source: driver.md section 3. */

import { Command, RequestFlag } from '../block/command.ts';
import { Status } from '../block/status.ts';
import { onesView, zeroView } from '../pages/pin.ts';
import { SegmentCursor } from '../pages/segments.ts';
import { SECTORS_PER_SLAB, SLAB_BYTES } from '../pages/slab.ts';
import { bug, SECTOR_BYTES, type Sector } from '../units.ts';
import type { NullOwned } from './completion.ts';
import type { PageStore } from './storage/page-store.ts';

export type Step = (request: NullOwned, sectors: Sector) => Sector;

const NOTHING = 0 as Sector; // no sectors

/** Without memory: writes vanish, reads give zeros. */
export function nullStep(): Step {
  return (request, sectors) => {
    if (request.command() !== Command.READ) return sectors;
    return fillRead(request, NOTHING, sectors, 'zeros') ? sectors : outOfMemory(request);
  };
}

/** Memory: data go to and come from `store`. A discard reaches this step only where the device
 *  accepts them. */
export function storeStep(store: PageStore): Step {
  const cursor = new SegmentCursor();
  return (request, sectors) => {
    switch (request.command()) {
      case Command.READ:
        return readStore(store, request, sectors, cursor);
      case Command.WRITE:
      case Command.ZONE_APPEND:
        return writeStore(store, request, sectors, cursor);
      case Command.DISCARD:
        return store.discard(request.sector(), sectors) ? sectors : outOfMemory(request);
      case Command.WRITE_ZEROES: {
        const keep = (request.flags() & RequestFlag.NOUNMAP) !== 0;
        const done = keep
          ? store.writeZeroes(request.sector(), sectors)
          : store.discard(request.sector(), sectors);
        return done ? sectors : outOfMemory(request);
      }
      case Command.FLUSH:
        return sectors;
      default:
        return bug(`command ${request.command()} reached the store`);
    }
  };
}

/** Refuses what the device does not do, before anything is touched. */
export function discardGuard(accepts: boolean, inner: Step): Step {
  if (accepts) return inner;
  return (request, sectors) => {
    if (request.command() !== Command.DISCARD) return inner(request, sectors);
    request.setStatus(Status.NOTSUPP);
    return NOTHING;
  };
}

function outOfMemory(request: NullOwned): Sector {
  request.setStatus(Status.NOSPC);
  return NOTHING;
}

/** May the reply show the device's pages? Only a bio of one request: parts that kept their tags
 *  until the last part was sent could starve it of tags. */
function showsPages(request: NullOwned): boolean {
  const bio = request.bio();
  return request.sectors() === bio.sectors && bio.owner.acceptsViews(bio);
}

/** A read's sectors [from, to), counted from its first, are all zeros, or all ones. */
export function fillRead(
  request: NullOwned,
  from: Sector,
  to: Sector,
  constant: 'zeros' | 'ones',
): boolean {
  const bio = request.bio();
  let left = (to - from) * SECTOR_BYTES;
  // What the request begins with decides the form of the whole.
  if (from === 0 ? showsPages(request) : bio.views.count > 0) {
    bio.views.addConstant(constant === 'ones' ? onesView() : zeroView, left);
    return true;
  }
  if (!bio.target()) return false;
  const { segments } = bio;
  segments.seek(fillCursor, request.bioOffset() + from * SECTOR_BYTES);
  while (left > 0) {
    const { index, offset } = fillCursor;
    const start = segments.start(index) + offset;
    const length = Math.min(left, segments.length(index) - offset);
    segments.buffer(index).fill(constant === 'ones' ? 0xff : 0, start, start + length);
    left -= length;
    fillCursor.index++;
    fillCursor.offset = 0;
  }
  return true;
}

const fillCursor = new SegmentCursor();

function readStore(
  store: PageStore,
  request: NullOwned,
  sectors: Sector,
  cursor: SegmentCursor,
): Sector {
  const bio = request.bio();
  let left = sectors * SECTOR_BYTES;
  if (showsPages(request)) {
    store.view(request.sector(), left, bio.views);
    return sectors;
  }
  if (!bio.target()) return outOfMemory(request);
  const { segments } = bio;
  segments.seek(cursor, request.bioOffset());
  let sector = request.sector();
  while (left > 0) {
    const start = segments.start(cursor.index) + cursor.offset;
    const length = Math.min(left, segments.length(cursor.index) - cursor.offset);
    store.read(sector, segments.buffer(cursor.index), start, length);
    sector = (sector + length / SECTOR_BYTES) as Sector; // segments are whole sectors
    left -= length;
    cursor.index++;
    cursor.offset = 0;
  }
  return sectors;
}

function writeStore(
  store: PageStore,
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
    const slab = segments.slabs[at];
    if (slab !== undefined && length === SLAB_BYTES && sector % SECTORS_PER_SLAB === 0) {
      if (start !== 0) bug('a slab that does not begin at its beginning');
      segments.slabs[at] = undefined;
      store.adopt(sector, slab);
    } else if (!store.write(sector, segments.buffer(at), start, length)) {
      return outOfMemory(request);
    }
    sector = (sector + length / SECTOR_BYTES) as Sector; // segments are whole sectors
    left -= length;
    cursor.index++;
    cursor.offset = 0;
  }
  return sectors;
}
