/** What a power cut leaves of a write cache: for each block the disk's version or the cache's. Knows neither
 *  clients nor power. Source: crash.md section 4. */

import { Dice } from '../../rules/dice.ts';
import type { Work } from '../../time/slicer.ts';
import { SECTOR_BYTES, type Sector } from '../../units.ts';
import type { WriteCache } from '../storage/write-cache.ts';

/** `none`: the disk's version of each block; `all`: the cache's; `random`: dice. */
export const cutKeeps = ['none', 'all', 'random'] as const;
export type CutKeep = (typeof cutKeeps)[number];

/** Those that take a journal: any image that is legal at that moment. */
export const journalKeeps = ['whole', 'torn'] as const;

export interface Cut {
  readonly keep: CutKeep;
  /** Of `random`; 0 to 2^32 - 1. */
  readonly seed: number;
}

/** A cut whose seed may be left to the device. */
export type CutWish = Pick<Cut, 'keep'> & { readonly seed?: number | undefined };

export interface CutReport {
  /** By it the same can be had again. */
  readonly image: string;
  /** Blocks of the cache. */
  readonly kept: number;
  readonly lost: number;
}

interface Losing {
  /** What becomes of the cache. */
  lose(cache: WriteCache): Work;
  /** To be asked for then. */
  report(): CutReport;
}

/** A cut of a device that is still on. */
export function losing({ keep, seed }: Cut, { disk, options }: CutDevice): Losing {
  const counts = { kept: 0, lost: 0 };
  const shape = { capacity: disk.capacity, blockSectors: options.bs / SECTOR_BYTES };
  return {
    lose: (cache) => leave(cache, { keep, seed }, shape, counts),
    report: () => ({ image: keep === 'random' ? `random.${seed}` : keep, ...counts }),
  };
}

interface CutDevice {
  readonly disk: { readonly capacity: number };
  readonly options: { readonly bs: number };
}

/** Pages moved in some 20 us. */
const PIECE_PAGES = 16;

/** Of the cache nothing is left but what goes to the store. @param blockSectors of the device. */
function* leave(
  cache: WriteCache,
  { keep, seed }: Cut,
  { capacity, blockSectors }: { readonly capacity: number; readonly blockSectors: number },
  counts: { kept: number; lost: number },
): Work {
  const dice = new Dice();
  for (let at = 0; at < capacity; ) {
    const run = cache.heldRun(at, capacity);
    const end = at + Math.abs(run);
    for (; run > 0 && at < end; at += blockSectors) {
      if (keep === 'all' || (keep === 'random' && isKept(dice, seed, at))) {
        counts.kept++;
      } else {
        counts.lost++;
        cache.forget(at as Sector, blockSectors as Sector); // a block of the device
      }
    }
    at = end;
    yield;
  }
  // Without memory the rest is lost, as a cut may have it.
  while (cache.usedBytes > 0 && cache.flushSome(PIECE_PAGES)) yield;
}

function isKept(dice: Dice, seed: number, sector: number): boolean {
  dice.start();
  dice.stirText('cut');
  dice.stir(seed);
  dice.stir(sector);
  return dice.below(2) === 1;
}

/** The seed of the n-th cut of a device where nobody says one. */
export function seedOf(faultSeed: string, device: string, n: number): number {
  const dice = new Dice();
  dice.start();
  dice.stirText(faultSeed);
  dice.stirText(device);
  dice.stir(n);
  return dice.word();
}
