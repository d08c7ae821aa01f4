/** What a device asks of those who know which images a power cut may leave, and what it does with the answer.
 *  Source: crash.md section 4. */

import type { Work } from '../../time/slicer.ts';
import { SECTOR_BYTES, type Sector } from '../../units.ts';
import type { PageStore } from '../storage/page-store.ts';

/** A journal as it is at one moment. Sectors. */
export interface JournalNow {
  readonly head: Uint8Array;
  /** Taken once. */
  readonly pieces: Iterable<Uint8Array>;
  base(sector: number, sectors: number): Iterable<{ sector: number; data: Uint8Array }>;
}

export interface LegalImage {
  readonly id: string;
  /** Of the blocks that may have more than one content, how many have the newest. */
  readonly kept: number;
  readonly lost: number;
  /** All blocks that were written. */
  readonly parts: Iterable<{ offset: number; bytes: Uint8Array; isZero: boolean }>;
}

/** Rejects when it cannot be told. */
export type ChooseImage = (
  journal: JournalNow,
  model: 'whole' | 'torn',
  seed: number,
) => Promise<LegalImage>;

/** Blocks written in some 20 us. */
const PARTS_PER_PIECE = 8;

/** The store holds it. @returns false: there was no memory for all of it. */
export function* imprint({ parts }: LegalImage, store: PageStore): Work<boolean> {
  let done = 0;
  for (const { offset, bytes, isZero } of parts) {
    const at = (offset / SECTOR_BYTES) as Sector; // blocks are whole sectors
    const sectors = (bytes.length / SECTOR_BYTES) as Sector; // likewise
    const written = isZero ? store.discard(at, sectors) : store.write(at, bytes, 0, bytes.length);
    if (!written) return false;
    if (++done % PARTS_PER_PIECE === 0) yield;
  }
  return true;
}
