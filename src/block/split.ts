/** How a bio is cut into requests: by the disk's limits. Pure. Source: rnull-series 19, 74, 75. */

import type { Sector } from '../units.ts';
import type { Bio } from './bio.ts';
import { Command } from './command.ts';
import type { Limits } from './disk.ts';

/** The sectors of the next request of `bio`, which has some left. */
export function nextPiece(bio: Bio, limits: Limits): Sector {
  const left = bio.sectors - bio.submitted;
  return Math.min(left, pieceMax(bio.command, limits)) as Sector; // the least of two sector counts
}

/** Discards and zeroes take time with their length; they go in slices, other clients in between. */
export function isSliced(command: Command): boolean {
  return command === Command.DISCARD || command === Command.WRITE_ZEROES;
}

function pieceMax(command: Command, limits: Limits): number {
  if (isSliced(command)) return limits.sliceSectors;
  return limits.maxSectors === 0 ? Number.POSITIVE_INFINITY : limits.maxSectors;
}
