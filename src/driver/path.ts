/** The order of a request's steps through the device, composed once when it powers on: an unused feature
 *  costs nothing. A step does the first `sectors` of a request, leaves an error in its status, and returns
 *  how many it did: so a partial write moves a write pointer. Source: driver.md section 3. */

import { Command, RequestFlag } from '../block/command.ts';
import { Status } from '../block/status.ts';
import { onesView, zeroView } from '../pages/pin.ts';
import { SegmentCursor } from '../pages/segments.ts';
import { SECTORS_PER_SLAB, SLAB_BYTES, type Slab } from '../pages/slab.ts';
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

/** Memory: data go to and come from `store`. A discard reaches this step only if the device accepts
 *  discards. */
export function storeStep(store: PageStore): Step {
  return (request, sectors) => {
    switch (request.command()) {
      case Command.READ:
        return readStore(store, request, sectors);
      case Command.WRITE:
      case Command.ZONE_APPEND:
        return writeSegments(store, request, sectors);
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

/** Refuses operations that the device does not have, before anything is touched. */
export function discardGuard(accepts: boolean, inner: Step): Step {
  if (accepts) return inner;
  return (request, sectors) => {
    if (request.command() !== Command.DISCARD) return inner(request, sectors);
    request.setStatus(Status.NOTSUPP);
    return NOTHING;
  };
}

/** Memory is out: the request fails, and nothing of it counts as done. */
export function outOfMemory(request: NullOwned): Sector {
  request.setStatus(Status.NOSPC);
  return NOTHING;
}

/** True when the reply may show the device's pages. Only for a bio of one request: parts that kept their tags
 *  until the last part was sent could starve it of tags. */
function showsPages(request: NullOwned): boolean {
  const bio = request.bio();
  return request.sectors() === bio.sectors && bio.owner.acceptsViews(bio);
}

/** The source of a read's data: whole sectors into `target` from byte `start` on. */
export interface Readable {
  read(sector: Sector, target: Uint8Array, start: number, length: number): void;
}

/** The target of a write's data. False: no memory. */
export interface Writable {
  write(sector: Sector, source: Uint8Array, start: number, length: number): boolean;
  /** Takes over a whole slab of data. False: no memory. A target without this method copies the slab, and the
   *  bio gives it back. */
  adopt?(sector: Sector, slab: Slab): boolean;
}

const zeros: Readable = {
  read: (_, target, start, length) => target.fill(0, start, start + length),
};
const ones: Readable = {
  read: (_, target, start, length) => target.fill(0xff, start, start + length),
};

/** A read's sectors [from, to), counted from its first, are all zeros, or all ones.
 *  @returns false when there is no memory for them. */
export function fillRead(
  request: NullOwned,
  from: Sector,
  to: Sector,
  constant: 'zeros' | 'ones',
): boolean {
  const { views } = request.bio();
  // The first sectors decide the form of the whole request.
  if (from === 0 ? showsPages(request) : views.count > 0) {
    const view = constant === 'ones' ? onesView() : zeroView;
    views.addConstant(view, (to - from) * SECTOR_BYTES);
    return true;
  }
  return readSegments(constant === 'ones' ? ones : zeros, request, from, to);
}

function readStore(store: PageStore, request: NullOwned, sectors: Sector): Sector {
  if (showsPages(request)) {
    store.view(request.sector(), sectors * SECTOR_BYTES, request.bio().views);
    return sectors;
  }
  return readSegments(store, request, NOTHING, sectors) ? sectors : outOfMemory(request);
}

/** One request at a time. */
const cursor = new SegmentCursor();

/** Fills a read's sectors [first, end), counted from its first. False: no memory to read into. */
export function readSegments(
  from: Readable,
  request: NullOwned,
  first: Sector,
  end: Sector,
): boolean {
  const bio = request.bio();
  if (!bio.target()) return false;
  const { segments } = bio;
  segments.seek(cursor, request.bioOffset() + first * SECTOR_BYTES);
  let left = (end - first) * SECTOR_BYTES;
  let sector = (request.sector() + first) as Sector; // within the request
  while (left > 0) {
    const start = segments.start(cursor.index) + cursor.offset;
    const length = Math.min(left, segments.length(cursor.index) - cursor.offset);
    from.read(sector, segments.buffer(cursor.index), start, length);
    sector = (sector + length / SECTOR_BYTES) as Sector; // segments are whole sectors
    left -= length;
    cursor.index++;
    cursor.offset = 0;
  }
  return true;
}

/** Stores the first `sectors` of a write. @returns how many; none when memory ran out, now or earlier, when
 *  there was none to keep the data while the request waited. */
export function writeSegments(to: Writable, request: NullOwned, sectors: Sector): Sector {
  const { segments } = request.bio();
  if (segments.count === 0) return outOfMemory(request);
  segments.seek(cursor, request.bioOffset());
  let left = sectors * SECTOR_BYTES;
  let sector = request.sector();
  while (left > 0) {
    const at = cursor.index;
    const start = segments.start(at) + cursor.offset;
    const length = Math.min(left, segments.length(at) - cursor.offset);
    const slab = segments.slabs[at];
    const whole = slab !== undefined && length === SLAB_BYTES && sector % SECTORS_PER_SLAB === 0;
    if (whole && to.adopt !== undefined) {
      if (start !== 0) bug('a slab that does not begin at its beginning');
      if (!to.adopt(sector, slab)) return outOfMemory(request);
      segments.slabs[at] = undefined;
    } else if (!to.write(sector, segments.buffer(at), start, length)) {
      return outOfMemory(request);
    }
    sector = (sector + length / SECTOR_BYTES) as Sector; // segments are whole sectors
    left -= length;
    cursor.index++;
    cursor.offset = 0;
  }
  return sectors;
}
