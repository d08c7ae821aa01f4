/** A device's data, of which somebody else wants to know: what is about to be read, and what was changed.
 *  For devices that show a crash image. */

import type { Extent } from '../../block/extents.ts';
import type { Slab } from '../../pages/slab.ts';
import { SECTORS_PER_SLAB } from '../../pages/slab.ts';
import type { PageViews } from '../../pages/views.ts';
import { SECTOR_BYTES, type Sector } from '../../units.ts';
import { PageStore } from './page-store.ts';

/** Sectors. Called before it happens. */
export interface StoreWatch {
  reads(sector: number, sectors: number): void;
  changes(sector: number, sectors: number): void;
}

export class WatchedStore extends PageStore {
  /** Undefined: nobody wants to know. */
  watch: StoreWatch | undefined;

  override read(sector: Sector, target: Uint8Array, start: number, length: number): void {
    this.watch?.reads(sector, length / SECTOR_BYTES);
    super.read(sector, target, start, length);
  }

  override view(sector: Sector, length: number, into: PageViews): void {
    this.watch?.reads(sector, length / SECTOR_BYTES);
    super.view(sector, length, into);
  }

  /** Which sectors hold something tells of their content, too. */
  override at(sector: number, end: number, into: Extent): void {
    super.at(sector, end, into);
    this.watch?.reads(sector, into.sectors);
    super.at(sector, end, into);
  }

  override write(sector: Sector, source: Uint8Array, start: number, length: number): boolean {
    this.watch?.changes(sector, length / SECTOR_BYTES);
    return super.write(sector, source, start, length);
  }

  override adopt(sector: Sector, slab: Slab): boolean {
    this.watch?.changes(sector, SECTORS_PER_SLAB);
    return super.adopt(sector, slab);
  }

  override writeZeroes(sector: Sector, sectors: Sector): boolean {
    this.watch?.changes(sector, sectors);
    return super.writeZeroes(sector, sectors);
  }

  override discard(sector: Sector, sectors: Sector): boolean {
    this.watch?.changes(sector, sectors);
    return super.discard(sector, sectors);
  }
}
