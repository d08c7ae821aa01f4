/** The naive twin of the page store: a map from sector number to 512 bytes. For tests. */

import { SECTOR_BYTES } from '../../../src/units.ts';

const SECTORS_PER_PAGE = 8;
const hole = Buffer.alloc(SECTOR_BYTES);

export class StoreModel {
  #sectors = new Map<number, Buffer>();

  write(sector: number, source: Uint8Array): void {
    for (let at = 0; at < source.length; at += SECTOR_BYTES) {
      const data = Buffer.from(source.subarray(at, at + SECTOR_BYTES)); // Buffer.from copies
      this.#sectors.set(sector + at / SECTOR_BYTES, data);
    }
  }

  read(sector: number, length: number): Buffer {
    const parts: Buffer[] = [];
    for (let i = 0; i < length / SECTOR_BYTES; i++) {
      parts.push(this.#sectors.get(sector + i) ?? hole);
    }
    return Buffer.concat(parts);
  }

  discard(sector: number, sectors: number): void {
    for (const key of this.#sectors.keys()) {
      if (key >= sector && key < sector + sectors) this.#sectors.delete(key);
    }
  }

  clear(): void {
    this.#sectors.clear();
  }

  clone(): StoreModel {
    const copy = new StoreModel();
    copy.#sectors = new Map(this.#sectors);
    return copy;
  }

  get heldBytes(): number {
    const pages = new Set<number>();
    for (const key of this.#sectors.keys()) pages.add(Math.floor(key / SECTORS_PER_PAGE));
    return pages.size * SECTORS_PER_PAGE * SECTOR_BYTES;
  }
}
