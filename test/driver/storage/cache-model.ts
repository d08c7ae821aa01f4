/** The naive twin of a page store with a write cache in front: two maps from page numbers to sectors, and
 *  the rules of eviction written down block by block. For tests. */

const SECTORS_PER_PAGE = 8;
const SECTOR_BYTES = 512;
const EVICT_PAGES = 16;

/** Page number to its sectors that hold data, by number on the device. */
class PageMap {
  readonly pages = new Map<number, Map<number, Buffer>>();

  get(sector: number): Buffer | undefined {
    return this.pages.get(pageOf(sector))?.get(sector);
  }

  set(sector: number, data: Buffer): void {
    const page = this.pages.get(pageOf(sector)) ?? new Map<number, Buffer>();
    page.set(sector, data);
    this.pages.set(pageOf(sector), page);
  }

  delete(sector: number): void {
    const page = this.pages.get(pageOf(sector));
    page?.delete(sector);
    if (page?.size === 0) this.pages.delete(pageOf(sector));
  }
}

export class CacheModel {
  readonly #disk = new PageMap();
  readonly #cache = new PageMap();
  readonly #pagesMax: number;
  readonly #block: number;
  #walk = 0;

  constructor(pagesMax: number, blockSectors: number) {
    this.#pagesMax = pagesMax;
    this.#block = blockSectors;
  }

  get usedPages(): number {
    return this.#cache.pages.size;
  }

  get heldPages(): number {
    return this.#disk.pages.size;
  }

  write(sector: number, data: Buffer, fua: boolean): void {
    const copy = Buffer.from(data);
    const sectors = data.length / SECTOR_BYTES;
    for (let block = 0; block < sectors; block += this.#block) {
      if (!fua && this.usedPages + 1 >= this.#pagesMax) this.#evict();
      for (let i = block; i < block + this.#block; i++) {
        const one = copy.subarray(i * SECTOR_BYTES, (i + 1) * SECTOR_BYTES);
        (fua ? this.#disk : this.#cache).set(sector + i, one);
        if (fua) this.#cache.delete(sector + i);
      }
    }
  }

  read(sector: number, sectors: number): Buffer {
    const data = Buffer.alloc(sectors * SECTOR_BYTES);
    for (let i = 0; i < sectors; i++) {
      const one = this.#cache.get(sector + i) ?? this.#disk.get(sector + i);
      if (one !== undefined) data.set(one, i * SECTOR_BYTES);
    }
    return data;
  }

  /** Is anything of the pages of these sectors in the cache? */
  caches(sector: number, sectors: number): boolean {
    for (let page = pageOf(sector); page <= pageOf(sector + sectors - 1); page++) {
      if (this.#cache.pages.has(page)) return true;
    }
    return false;
  }

  discard(sector: number, sectors: number): void {
    for (let i = sector; i < sector + sectors; i++) {
      this.#cache.delete(i);
      this.#disk.delete(i);
    }
  }

  flush(): void {
    while (this.usedPages > 0) this.#evict();
  }

  powerCut(): void {
    this.#cache.pages.clear();
    this.#walk = 0;
  }

  #evict(): void {
    const all = [...this.#cache.pages.keys()].sort((a, b) => a - b);
    const above = all.filter((page) => page >= this.#walk);
    for (const page of (above.length > 0 ? above : all).slice(0, EVICT_PAGES)) {
      for (const [sector, data] of this.#cache.pages.get(page) ?? []) this.#disk.set(sector, data);
      this.#cache.pages.delete(page);
      this.#walk = page;
    }
  }
}

function pageOf(sector: number): number {
  return Math.floor(sector / SECTORS_PER_PAGE);
}
