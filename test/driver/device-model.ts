/** A whole memory-backed device, slow and simple: a command is walked sector by sector into parts, each part
 *  is judged alone, and the rest of it moves data. For tests; shares nothing with src/.
 *  Source: driver.md sections 1 (max_sectors, virt_boundary), 3, 4 and 5. */

import { CacheModel } from './storage/cache-model.ts';
import type { ZoneModel } from './zones/model.ts';

const SECTOR_BYTES = 512;
const PAGES_PER_MIB = 256;
/** Discards and zeroes that nothing else cuts. */
const COPY_SECTORS = 1024;
const SLICE_SECTORS = 8192;

export interface ModelOptions {
  readonly sectors: number;
  readonly blockSectors: number;
  readonly maxSectors: number;
  readonly once: boolean;
  readonly partialIo: boolean;
  readonly virtBoundary: boolean;
  readonly cacheMiB: number;
  /** 0: not zoned. */
  readonly zoneSectors: number;
}

/** What a command did: 'ok' or the first error. */
export type ModelStatus = string;

export class DeviceModel {
  /** By sector: 1 when it is bad. */
  readonly #bad: Uint8Array;
  readonly #options: ModelOptions;
  readonly #zones: ZoneModel | undefined;
  #data: CacheModel;

  constructor(options: ModelOptions, zones?: ZoneModel) {
    this.#bad = new Uint8Array(2 * options.sectors); // also behind the end
    this.#options = options;
    this.#zones = zones;
    const pages = options.cacheMiB * PAGES_PER_MIB;
    this.#data = new CacheModel(pages, options.blockSectors);
  }

  get cachedBytes(): number {
    return this.#data.usedPages * 4096;
  }

  /** @param gaps counted from the first sector: no part goes on over one. */
  write(first: number, data: Buffer, fua: boolean, gaps: ReadonlySet<number>): ModelStatus {
    const straight = fua || this.#options.cacheMiB === 0;
    const parts = this.#parts(first, data.length / SECTOR_BYTES, this.#copyMax, gaps);
    return this.#each(parts, (from, sectors) =>
      this.#writePart(from, sectors, (at, count) => {
        const start = (at - first) * SECTOR_BYTES;
        this.#data.write(at, data.subarray(start, start + count * SECTOR_BYTES), straight);
      }),
    );
  }

  zeroes(first: number, sectors: number, fua: boolean): ModelStatus {
    const straight = fua || this.#options.cacheMiB === 0;
    const parts = this.#parts(first, sectors, Math.min(this.#copyMax, SLICE_SECTORS));
    return this.#each(parts, (from, part) =>
      this.#writePart(from, part, (at, count) => {
        this.#data.write(at, Buffer.alloc(count * SECTOR_BYTES), straight);
      }),
    );
  }

  discard(first: number, sectors: number): ModelStatus {
    const zones = this.#zones;
    if (zones === undefined) {
      return this.#each(this.#parts(first, sectors, SLICE_SECTORS), (from, part) =>
        this.#judge(from, part, (at, count) => this.#data.discard(at, count)),
      );
    }
    return this.#each(this.#parts(first, sectors, Number.POSITIVE_INFINITY), (from, part) => {
      const zone = zones.at(from);
      if (part < zone.length || zone.condition === 'not-wp') return 'ok';
      return this.manage(() => zones.resetZone(zone));
    });
  }

  /** @param target what the buffer held before; each part that is read overwrites its own. */
  read(first: number, sectors: number, target: Buffer): ModelStatus {
    const max = this.#data.caches(first, sectors) ? this.#copyMax : this.#max;
    return this.#each(this.#parts(first, sectors, max), (from, part) => {
      const into = (at: number, count: number): void => {
        const valid = this.#zones?.valid(at, count) ?? count;
        const start = (at - first) * SECTOR_BYTES;
        if (valid > 0) this.#data.read(at, valid).copy(target, start);
        target.fill(0xff, start + valid * SECTOR_BYTES, start + count * SECTOR_BYTES);
      };
      if (this.#zones === undefined) return this.#judge(from, part, into);
      const { status, transfer } = this.#zones.read(from, part);
      return transfer === undefined ? status : this.#judge(from, part, into);
    });
  }

  flush(): void {
    this.#data.flush();
  }

  powerCut(): void {
    this.#data.powerCut();
  }

  /** Zone management; the data of the zones that it emptied go. */
  manage(act: () => string): ModelStatus {
    const zones = this.#zones;
    const status = act();
    for (const start of zones?.discarded.splice(0) ?? []) {
      this.#data.discard(start, zones?.at(start).length ?? 0);
    }
    return status;
  }

  setBad(first: number, last: number, bad: boolean): void {
    this.#bad.fill(Number(bad), first, last + 1);
  }

  get badText(): string {
    let text = '';
    for (let at = this.#bad.indexOf(1); at >= 0; at = this.#bad.indexOf(1, at)) {
      const start = at;
      while (this.#bad[at] === 1) at++;
      text += `${start} ${at - start}\n`;
    }
    return text;
  }

  get #max(): number {
    return this.#options.maxSectors || Number.POSITIVE_INFINITY;
  }

  /** The same for data that are copied. */
  get #copyMax(): number {
    return this.#options.cacheMiB > 0 ? Math.min(this.#max, COPY_SECTORS) : this.#max;
  }

  /** The parts of a command, in order: [first, sectors]. */
  #parts(
    first: number,
    sectors: number,
    max: number,
    gaps?: ReadonlySet<number>,
  ): [number, number][] {
    const { zoneSectors, virtBoundary } = this.#options;
    const parts: [number, number][] = [];
    let start = 0;
    for (let at = 1; at <= sectors; at++) {
      const ends =
        at === sectors ||
        at - start === max ||
        (zoneSectors > 0 && (first + at) % zoneSectors === 0) ||
        (virtBoundary && gaps?.has(at) === true);
      if (!ends) continue;
      parts.push([first + start, at - start]);
      start = at;
    }
    return parts;
  }

  #each(
    parts: readonly [number, number][],
    act: (first: number, sectors: number) => ModelStatus,
  ): ModelStatus {
    const statuses = parts.map(([first, sectors]) => act(first, sectors));
    return statuses.find((status) => status !== 'ok') ?? 'ok';
  }

  /** A part of a write or of zeroes: the zone's rules, then the bad blocks, then the data. */
  #writePart(
    first: number,
    sectors: number,
    move: (first: number, sectors: number) => void,
  ): ModelStatus {
    const zones = this.#zones;
    if (zones === undefined) return this.#judge(first, sectors, move);
    zones.inner = (at, count) => {
      let done = 0;
      const status = this.#judge(at, count, (from, moved) => {
        move(from, moved);
        done = moved;
      });
      return { done, status };
    };
    const { status } = zones.write(first, sectors, false);
    zones.inner = undefined;
    return status;
  }

  /** Bad blocks. Calls `move` with what is transferred, if anything is. */
  #judge(
    first: number,
    sectors: number,
    move: (first: number, sectors: number) => void,
  ): ModelStatus {
    const { once, partialIo, blockSectors } = this.#options;
    const within = this.#bad.subarray(first, first + sectors).indexOf(1);
    const hit = first + within;
    if (within < 0) {
      move(first, sectors);
      return 'ok';
    }
    if (once) {
      for (let at = hit; this.#bad[at] === 1; at++) this.#bad[at] = 0;
      for (let at = hit - 1; this.#bad[at] === 1; at--) this.#bad[at] = 0;
    }
    const before = partialIo ? hit - first - ((hit - first) % blockSectors) : 0;
    if (before > 0) move(first, before);
    return 'ioerr';
  }
}
