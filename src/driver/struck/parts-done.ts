/** What of a command that a rule struck is done: whole blocks of it, each where it was meant for. */

import type { Action } from '../../rules/actions.ts';
import { SECTOR_BYTES } from '../../units.ts';
import type { BlockRange } from './draw.ts';

/** Sectors of the command that are done, and where. */
export interface Part {
  /** From the command's first one. */
  readonly from: number;
  readonly sectors: number;
  /** On the device. */
  readonly to: number;
  /** That is not where it was meant for. */
  readonly isAstray?: true;
}

type Misdirection = Action & { readonly kind: 'misdirect' };

interface Ranged {
  readonly sector: number;
  readonly sectors: number;
}

/** @param block bytes. */
export function blocksOf({ sectors }: Ranged, block: number): number {
  return Math.ceil((sectors * SECTOR_BYTES) / block);
}

/** @param block bytes. @param kept blocks of the command. */
export function keptParts(
  { sector, sectors }: Ranged,
  block: number,
  kept: readonly BlockRange[],
): Part[] {
  const per = block / SECTOR_BYTES;
  return kept.map(({ first, count }) => ({
    from: first * per,
    sectors: Math.min((first + count) * per, sectors) - first * per,
    to: sector + first * per,
  }));
}

/** All of a command, elsewhere. */
export function misdirected(action: Misdirection, command: Ranged): Part {
  const to = action.by === undefined ? action.to : command.sector + action.by;
  return { ...wholeOf(command), to, isAstray: true };
}

/** All of a command, where it is meant for. */
export function wholeOf({ sector, sectors }: Ranged): Part {
  return { from: 0, sectors, to: sector };
}
