/** How a bio is cut into requests: by the disk's limits. Pure.
 *  Source: rnull-series 19, 74 to 77; driver.md sections 1 (max_sectors, virt_boundary) and 6. */

import type { Segments } from '../pages/segments.ts';
import { PAGE_BYTES } from '../pages/slab.ts';
import { SECTOR_BYTES, type Sector } from '../units.ts';
import type { Bio } from './bio.ts';
import { Command, RequestFlag } from './command.ts';
import { Allocation, Extent, type Extents } from './extents.ts';
import type { Judge, Limits } from './limits.ts';

/** A slice whose parts are judged one by one. */
const PIECES_PER_SLICE = 32;

/** What cuts the bios of a disk. */
export interface Shape {
  readonly limits: Limits;
  readonly extents: Extents;
  /** Undefined: all requests of a bio end alike. */
  readonly judge: Judge | undefined;
}

/** The sectors of the next request of `bio`, which has some left. */
export function nextPiece(bio: Bio, shape: Shape): Sector {
  if (isWhole(bio.command)) return bio.sectors;
  const { limits } = shape;
  const sliced = isSliced(bio.command);
  let piece = Math.min(bio.sectors - bio.submitted, pieceMax(bio.command, limits));
  if (limits.cutsCopies && isCopied(bio, shape)) piece = Math.min(piece, limits.copySectors);
  if (limits.chunkSectors !== 0) {
    const first = bio.sector + bio.submitted;
    piece = Math.min(piece, limits.chunkSectors - (first % limits.chunkSectors));
  }
  if (limits.virtBoundary && bio.command === Command.WRITE && !bio.contiguous) {
    piece = upToGap(bio.segments, bio.submitted * SECTOR_BYTES, piece);
  }
  if (sliced) piece = upToJudged(bio, piece + holeBehind(bio, piece, shape), shape);
  return piece as Sector; // the least of several sector counts, or with a hole the rest of the bio
}

/** How many of the first `sectors` may be one request without a visible difference: any number of parts that
 *  nothing judges, or one part that is judged. */
function upToJudged(bio: Bio, sectors: number, { limits, judge }: Shape): number {
  const part = partMax(bio.command, limits);
  if (judge === undefined || sectors <= part) return sectors;
  const first = bio.sector + bio.submitted;
  const end = first + sectors;
  const { chunkSectors } = limits;
  const ends =
    bio.submitted + sectors === bio.sectors || (chunkSectors && end % chunkSectors === 0);
  // The next request begins where a part does.
  const whole = ends ? sectors : sectors - (sectors % part);
  const judged = judge.firstJudged(first, first + whole);
  if (judged < 0) return whole;
  const before = judged - first;
  return before < part ? part : before - (before % part);
}

const extent = new Extent();

/** Zeroing a hole takes no time, so a slice goes on to the end of the hole behind it. Zeroes that must have
 *  memory are an exception. */
function holeBehind(bio: Bio, piece: number, shape: Shape): number {
  const left = bio.sectors - bio.submitted - piece;
  const keeps = (bio.flags & RequestFlag.NOUNMAP) !== 0;
  if (left === 0 || keeps || !shape.limits.freeHoles) return 0;
  const first = bio.sector + bio.submitted + piece;
  shape.extents.at(first, first + left, extent);
  return (extent.status & Allocation.HOLE) === 0 ? 0 : extent.sectors;
}

/** Is the slice over that began at sector `from` of `bio`, and has had `pieces`? */
export function endsSlice(bio: Bio, from: number, pieces: number, limits: Limits): boolean {
  const sectors = bio.submitted - from;
  if (!isSliced(bio.command)) return sectors >= limits.copySectors;
  return pieces >= PIECES_PER_SLICE || sectors >= sliceMax(bio.command, limits);
}

/** True when the data of `bio` are copied, where other disks hand pages over. */
function isCopied(bio: Bio, { extents }: Shape): boolean {
  const { command, sector, sectors } = bio;
  if (command !== Command.READ) return command === Command.WRITE && !bio.uncut;
  // A bio that was cut cannot show pages any more.
  return bio.submitted > 0 || (extents.isScattered?.(sector, sector + sectors) ?? false);
}

/** Discards and zeroes take time by their length: they go in slices, with other clients in between. */
function isSliced(command: Command): boolean {
  return command === Command.DISCARD || command === Command.WRITE_ZEROES;
}

/** Zone management names zones of any size, and the parts of an append would not stay together. */
function isWhole(command: Command): boolean {
  return command >= Command.ZONE_OPEN || command === Command.ZONE_APPEND;
}

function pieceMax(command: Command, limits: Limits): number {
  if (command === Command.DISCARD) {
    // A zone is reset whole or not at all.
    return limits.chunkSectors === 0 ? limits.sliceSectors : Number.POSITIVE_INFINITY;
  }
  if (command === Command.WRITE_ZEROES) return sliceMax(command, limits);
  return limits.maxSectors === 0 ? Number.POSITIVE_INFINITY : limits.maxSectors;
}

/** A write cache stores zeroes as data. */
function sliceMax(command: Command, limits: Limits): number {
  const copies = command === Command.WRITE_ZEROES && limits.cutsCopies;
  return copies ? Math.min(limits.sliceSectors, limits.copySectors) : limits.sliceSectors;
}

/** The largest request that is judged: zeroes are cut like a write. */
function partMax(command: Command, limits: Limits): number {
  if (command === Command.DISCARD || limits.maxSectors === 0) return pieceMax(command, limits);
  return Math.min(limits.maxSectors, pieceMax(command, limits));
}

/** How many of `sectors`, from byte `skip` on, come before two segments meet off a page boundary. A segment
 *  must end, and the next begin, on a page of its own memory. */
function upToGap(segments: Segments, skip: number, sectors: number): number {
  let end = 0;
  for (let at = 0; at + 1 < segments.count; at++) {
    end += segments.length(at);
    if (end <= skip) continue;
    if (end - skip >= sectors * SECTOR_BYTES) break;
    const ends = (segments.start(at) + segments.length(at)) % PAGE_BYTES;
    if (ends !== 0 || segments.start(at + 1) % PAGE_BYTES !== 0) return (end - skip) / SECTOR_BYTES;
  }
  return sectors;
}
