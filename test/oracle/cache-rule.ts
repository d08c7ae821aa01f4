/** The write cache written down naively, sector by sector, in both versions of one rule: where a write
 *  goes whose page is on the disk and not in the cache. null_blk's ("in place") must explain every
 *  recorded read; tnull's then says what it must give instead. Source: driver.md section 4, Cache. */

import type { Run, Scenario, Step } from './recordings.ts';

const SECTOR = 512;
const SECTORS_PER_PAGE = 8;
const PAGES_PER_MIB = 256;
const EVICT_PAGES = 16;

/** Page number to its sectors that hold data, each a byte that fills it. */
type Pages = Map<number, Map<number, number>>;

class CacheRule {
  readonly #disk: Pages = new Map();
  readonly #cache: Pages = new Map();
  readonly #pagesMax: number;
  readonly #block: number;
  readonly #inPlace: boolean;
  #walk = 0;

  constructor({ config }: Scenario, inPlace: boolean) {
    this.#pagesMax = Number(config['cache_size']) * PAGES_PER_MIB;
    this.#block = Number(config['blocksize'] ?? SECTOR) / SECTOR;
    this.#inPlace = inPlace;
  }

  write(first: number, sectors: number, byteAt: (index: number) => number, fua: boolean): void {
    for (let at = 0; at < sectors; at += this.#block) {
      if (!fua && this.#cache.size + 1 >= this.#pagesMax) this.#evict();
      const page = pageOf(first + at);
      const stays = this.#inPlace && this.#disk.has(page) && !this.#cache.has(page);
      for (let i = at; i < at + this.#block; i++) {
        put(fua || stays ? this.#disk : this.#cache, first + i, byteAt(i));
        if (fua) take(this.#cache, first + i);
      }
    }
  }

  read(first: number, sectors: number): readonly Run[] {
    const runs: [number, number][] = [];
    for (let at = first; at < first + sectors; at++) {
      const byte = get(this.#cache, at) ?? get(this.#disk, at) ?? 0;
      const last = runs.at(-1);
      if (last?.[0] === byte) last[1] += SECTOR;
      else runs.push([byte, SECTOR]);
    }
    return runs;
  }

  discard(first: number, sectors: number): void {
    for (let at = first; at < first + sectors; at++) {
      take(this.#cache, at);
      take(this.#disk, at);
    }
  }

  flush(): void {
    while (this.#cache.size > 0) this.#evict();
  }

  powerCut(): void {
    this.#cache.clear();
    this.#walk = 0;
  }

  #evict(): void {
    const all = [...this.#cache.keys()].toSorted((a, b) => a - b);
    const above = all.filter((page) => page >= this.#walk);
    for (const page of (above.length > 0 ? above : all).slice(0, EVICT_PAGES)) {
      for (const [sector, byte] of this.#cache.get(page) ?? []) put(this.#disk, sector, byte);
      this.#cache.delete(page);
      this.#walk = page;
    }
  }
}

/** What each successful read of `scenario` gives by one version of the rule, by its step's number. */
export function readsOf(scenario: Scenario, inPlace: boolean): ReadonlyMap<number, readonly Run[]> {
  const rule = new CacheRule(scenario, inPlace);
  const reads = new Map<number, readonly Run[]>();
  for (const [number, step] of scenario.steps.entries()) {
    if (step.r !== 'ok') continue;
    if (step.op === 'read') reads.set(number, rule.read(step.sector, step.sectors));
    else change(rule, step);
  }
  return reads;
}

function change(rule: CacheRule, step: Step): void {
  if (step.op === 'flush') rule.flush();
  else if (step.op === 'power' && !step.on) rule.powerCut();
  else if (step.op === 'discard') rule.discard(step.sector, step.sectors);
  else if (step.op === 'zeroout') rule.write(step.sector, step.sectors, () => 0, false);
  else if (step.op === 'write') {
    const byteAt = (i: number) => ('byte' in step ? step.byte : (step.pattern + i) & 255);
    rule.write(step.sector, step.sectors, byteAt, step.fua === true);
  }
}

function pageOf(sector: number): number {
  return Math.floor(sector / SECTORS_PER_PAGE);
}

function get(pages: Pages, sector: number): number | undefined {
  return pages.get(pageOf(sector))?.get(sector);
}

function put(pages: Pages, sector: number, byte: number): void {
  const page = pages.get(pageOf(sector)) ?? new Map<number, number>();
  page.set(sector, byte);
  pages.set(pageOf(sector), page);
}

function take(pages: Pages, sector: number): void {
  const page = pages.get(pageOf(sector));
  page?.delete(sector);
  if (page?.size === 0) pages.delete(pageOf(sector));
}
