/** What a power cut leaves: of each block that a write cache holds the disk's version or the cache's, or of all
 *  data an image that the journal allows. Knows neither clients nor power. Source: crash.md section 4. */

import { ErrnoError } from '../../config/errors.ts';
import { Dice } from '../../rules/dice.ts';
import type { Slicer, Work } from '../../time/slicer.ts';
import { bug, SECTOR_BYTES, type Sector } from '../../units.ts';
import { imprint, type JournalNow } from '../journal/legal-image.ts';
import type { LiveJournal } from '../journal/live-journal.ts';
import type { DeviceContext } from '../parts.ts';
import type { PageStore } from '../storage/page-store.ts';
import type { WriteCache } from '../storage/write-cache.ts';

/** `none`: the disk's version of each block; `all`: the cache's; `random`: dice. */
const cacheKeeps = ['none', 'all', 'random'] as const;
type CacheKeep = (typeof cacheKeeps)[number];

/** Those that take a journal: any image that is legal at that moment. */
const journalKeeps = ['whole', 'torn'] as const;
type JournalKeep = (typeof journalKeeps)[number];

export type CutKeep = CacheKeep | JournalKeep;
export const cutKeeps: readonly CutKeep[] = [...cacheKeeps, ...journalKeeps];
export const KEEP_RULE = `must be ${cacheKeeps.join(', ')}, or with a journal ${journalKeeps.join(', ')}`;

export interface CutWish {
  readonly keep: CutKeep;
  /** Of `random`, `whole` and `torn`; 0 to 2^32 - 1. Undefined: the device's choice. */
  readonly seed?: number | undefined;
}

export interface CutReport {
  /** By it the same can be had again. */
  readonly image: string;
  /** Blocks of the cache, or that might have been otherwise. */
  readonly kept: number;
  readonly lost: number;
}

export interface Losing {
  /** What becomes of the cache and the data: while the device goes off. */
  lose(cache: WriteCache | undefined, store: PageStore | undefined): Promise<void>;
  /** To be asked for then. @throws ErrnoError when `lose` could not do it. */
  report(): CutReport;
}

interface CutDevice {
  readonly disk: { readonly capacity: number };
  readonly options: { readonly bs: number };
}

/** Why that cannot be; undefined: it can. */
export function whyNot(keep: CutKeep, journal: LiveJournal | undefined): string | undefined {
  if (!isJournalKeep(keep)) return undefined;
  if (journal === undefined) return 'needs journal=1';
  if (journal.isOver) return 'needs a journal that is not full';
  return journal.isReadable ? undefined : 'needs a journal_file that can be read again';
}

type CutContext = Pick<DeviceContext, 'faultSeed' | 'chooseImage'>;

/** The cuts of one device. */
export class PowerCuts {
  readonly #name: string;
  readonly #context: CutContext;
  readonly #slicer: Slicer;
  #count = 0;

  constructor(name: string, context: CutContext, slicer: Slicer) {
    this.#name = name;
    this.#context = context;
    this.#slicer = slicer;
  }

  /** @throws ErrnoError EINVAL when there is no journal to choose from. */
  check(keep: CutKeep, journal: LiveJournal | undefined): void {
    const why = whyNot(keep, journal);
    if (why !== undefined) throw new ErrnoError('EINVAL', `keep=${keep}: ${why}`, 'keep');
  }

  /** `device` is still on, and does nothing any more; `check` let the wish pass. */
  begin({ keep, ...wish }: CutWish, device: CutDevice, journal: LiveJournal | undefined): Losing {
    const { seed = seedOf(this.#context.faultSeed, this.#name, this.#count++) } = wish;
    if (isJournalKeep(keep) && journal !== undefined) {
      return this.#byJournal(keep, seed, journal.now());
    }
    const { disk, options } = device;
    const counts = { kept: 0, lost: 0 };
    const shape = { capacity: disk.capacity, blockSectors: options.bs / SECTOR_BYTES };
    return {
      lose: async (cache) => {
        if (cache !== undefined) {
          await this.#slicer.run(leave(cache, { keep, seed }, shape, counts));
        }
      },
      report: () => ({ image: keep === 'random' ? `random.${seed}` : keep, ...counts }),
    };
  }

  /** The data become an image that is legal now; the cache is of no account. */
  #byJournal(keep: JournalKeep, seed: number, journal: JournalNow): Losing {
    let report = (): CutReport => bug('a cut is reported before it was made');
    const fails = (why: string): void => {
      const text = `${this.#name}: keep=${keep}: ${why}; power is 0`;
      report = () => {
        throw new ErrnoError('ENOSPC', text);
      };
    };
    return {
      lose: async (_, store) => {
        try {
          const image = await this.#context.chooseImage?.(journal, keep, seed);
          if (image === undefined) return fails('nobody knows what is legal');
          const { id, kept, lost } = image;
          report = () => ({ image: id, kept, lost });
          if (store === undefined || (await this.#slicer.run(imprint(image, store)))) return;
          fails('there is no memory for the image');
        } catch (error) {
          fails(error instanceof Error ? error.message : String(error));
        }
      },
      report: () => report(),
    };
  }
}

function isJournalKeep(keep: CutKeep): keep is JournalKeep {
  return journalKeeps.some((one) => one === keep);
}

/** Pages moved in some 20 us. */
const PIECE_PAGES = 16;

/** Of the cache nothing is left but what goes to the store. @param blockSectors of the device. */
function* leave(
  cache: WriteCache,
  { keep, seed }: { readonly keep: CutKeep; readonly seed: number },
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
function seedOf(faultSeed: string, device: string, n: number): number {
  const dice = new Dice();
  dice.start();
  dice.stirText(faultSeed);
  dice.stirText(device);
  dice.stir(n);
  return dice.word();
}
