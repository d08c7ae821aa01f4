/** The naive twin of the page store: for each sector of some regions its bytes, and whether it holds
 *  data. For tests. */

import { SECTOR_BYTES } from '../../../src/units.ts';

const SECTORS_PER_PAGE = 8;

interface Region {
  readonly start: number;
  /** Zeros where a sector holds nothing. */
  readonly bytes: Buffer;
  /** By sector: 1 when it holds data. */
  readonly held: Uint8Array;
}

export class StoreModel {
  #regions: readonly Region[];

  /** @param starts of regions of `sectors` each, in whole pages: all that is ever asked for. */
  constructor(starts: readonly number[], sectors: number) {
    this.#regions = starts.map((start) => ({
      start,
      bytes: Buffer.alloc(sectors * SECTOR_BYTES),
      held: new Uint8Array(sectors),
    }));
  }

  write(sector: number, source: Uint8Array): void {
    const { start, bytes, held } = this.#region(sector);
    const first = sector - start;
    bytes.set(source, first * SECTOR_BYTES);
    held.fill(1, first, first + source.length / SECTOR_BYTES);
  }

  /** Not a copy: it changes with the next step. */
  read(sector: number, length: number): Buffer {
    const { start, bytes } = this.#region(sector);
    const from = (sector - start) * SECTOR_BYTES;
    return bytes.subarray(from, from + length);
  }

  discard(sector: number, sectors: number): void {
    const { start, bytes, held } = this.#region(sector);
    const first = sector - start;
    bytes.fill(0, first * SECTOR_BYTES, (first + sectors) * SECTOR_BYTES);
    held.fill(0, first, first + sectors);
  }

  clear(): void {
    for (const { start, held } of this.#regions) this.discard(start, held.length);
  }

  clone(): StoreModel {
    const copy = new StoreModel([], 0);
    copy.#regions = this.#regions.map(({ start, bytes, held }) => ({
      start,
      bytes: Buffer.from(bytes), // copies
      held: held.slice(),
    }));
    return copy;
  }

  get heldBytes(): number {
    let pages = 0;
    for (const { held } of this.#regions) {
      for (let page = 0; page < held.length; page += SECTORS_PER_PAGE) {
        const first = held.indexOf(1, page);
        if (first < 0) break;
        // The page of the next held sector: those between hold nothing.
        page = first - (first % SECTORS_PER_PAGE);
        pages++;
      }
    }
    return pages * SECTORS_PER_PAGE * SECTOR_BYTES;
  }

  #region(sector: number): Region {
    const found = this.#regions.find(
      ({ start, held }) => start <= sector && sector < start + held.length,
    );
    if (found === undefined) throw new Error(`sector ${sector} is in no region`);
    return found;
  }
}
