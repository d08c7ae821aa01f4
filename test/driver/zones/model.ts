/** Zones as driver.md section 6 tells them, with plain objects and words, slow and simple. Shares
 *  nothing with src/driver/zones. For tests. */

import type { ZoneOptions } from '../../../src/driver/zones/zone.ts';

export interface ModelZone {
  start: number;
  length: number;
  capacity: number;
  wp: number;
  condition: string;
}

export interface ModelResult {
  status: string;
  /** Where the request went. */
  sector: number;
  /** What the inner steps were asked to do, if they were asked. */
  transfer: [sector: number, sectors: number] | undefined;
}

export class ZoneModel {
  readonly zones: ModelZone[] = [];
  /** The starts of the zones whose data were discarded. */
  readonly discarded: number[] = [];
  readonly #options: ZoneOptions;
  /** The zone last closed to make room for another. */
  #lastClosed = -1;
  /** First bad sector; -1 none. */
  bad = -1;
  outOfMemory = false;
  /** What the inner steps do; undefined: they do all, but for `bad`. */
  inner: ((sector: number, sectors: number) => { done: number; status: string }) | undefined;

  constructor(options: ZoneOptions) {
    this.#options = options;
    const { capacity, zoneSectors, zoneCapacitySectors } = options;
    for (let start = 0; start < capacity; start += zoneSectors) {
      const length = Math.min(zoneSectors, capacity - start);
      const usable = Math.min(zoneCapacitySectors, length);
      if (this.zones.length < options.conventional)
        this.zones.push({
          start,
          length,
          capacity: length,
          wp: start + length,
          condition: 'not-wp',
        });
      else if (options.full)
        this.zones.push({ start, length, capacity: usable, wp: start + usable, condition: 'full' });
      else this.zones.push({ start, length, capacity: usable, wp: start, condition: 'empty' });
    }
  }

  get open(): number {
    return this.#count('implicit-open', 'explicit-open');
  }

  get active(): number {
    return this.#count('implicit-open', 'explicit-open', 'closed');
  }

  at(sector: number): ModelZone {
    const zone = this.zones.find(({ start, length }) => start <= sector && sector < start + length);
    if (zone === undefined) throw new Error(`no zone holds sector ${sector}`);
    return zone;
  }

  write(sector: number, sectors: number, append: boolean): ModelResult {
    const zone = this.at(sector);
    if (append) {
      if (this.#options.appendMaxSectors === 0) return refused('ioerr', sector);
      if (sectors > this.#options.appendMaxSectors || sector !== zone.start)
        return refused('inval', sector);
      if (zone.condition === 'not-wp') return refused('ioerr', sector);
    }
    if (zone.condition === 'not-wp') {
      if (sector + sectors > zone.start + zone.length) return refused('ioerr', sector);
      return this.#transfer(sector, sectors).result;
    }
    if (['full', 'read-only', 'offline'].includes(zone.condition)) return refused('ioerr', sector);
    const to = append ? zone.wp : sector;
    if (to !== zone.wp) return refused('ioerr', sector);
    if (to + sectors > zone.start + zone.capacity) return refused('ioerr', sector);
    if (zone.condition === 'empty' || zone.condition === 'closed') {
      const status = this.#takeResources(zone);
      if (status !== 'ok') return refused(status, sector);
      zone.condition = 'implicit-open';
    }
    const { done, result } = this.#transfer(to, sectors);
    zone.wp += done;
    if (zone.wp === zone.start + zone.capacity) zone.condition = 'full';
    return result;
  }

  read(sector: number, sectors: number): ModelResult {
    if (this.at(sector).condition === 'offline') return refused('ioerr', sector);
    return this.#transfer(sector, sectors).result;
  }

  openZone(zone: ModelZone): string {
    if (['not-wp', 'read-only', 'offline', 'full'].includes(zone.condition)) return 'ioerr';
    if (zone.condition === 'empty' || zone.condition === 'closed') {
      const status = this.#takeResources(zone);
      if (status !== 'ok') return status;
    }
    zone.condition = 'explicit-open';
    return 'ok';
  }

  closeZone(zone: ModelZone): string {
    if (zone.condition === 'closed') return 'ok';
    if (!zone.condition.endsWith('-open')) return 'ioerr';
    zone.condition = zone.wp === zone.start ? 'empty' : 'closed';
    return 'ok';
  }

  finishZone(zone: ModelZone): string {
    if (['not-wp', 'read-only', 'offline'].includes(zone.condition)) return 'ioerr';
    if (zone.condition === 'empty' || zone.condition === 'closed') {
      const status = this.#takeResources(zone);
      if (status !== 'ok') return status;
    }
    zone.condition = 'full';
    zone.wp = zone.start + zone.length;
    return 'ok';
  }

  resetZone(zone: ModelZone): string {
    if (['not-wp', 'read-only', 'offline'].includes(zone.condition)) return 'ioerr';
    return this.#empty(zone) ? 'ok' : 'nospc';
  }

  resetAll(): string {
    let status = 'ok';
    for (const zone of this.zones) {
      if (['not-wp', 'empty', 'read-only', 'offline'].includes(zone.condition)) continue;
      if (!this.#empty(zone)) status = 'nospc';
    }
    return status;
  }

  setCondition(zone: ModelZone, condition: 'read-only' | 'offline'): string {
    if (zone.condition === 'not-wp') return 'inval';
    if (zone.condition === condition) return this.#empty(zone) ? 'ok' : 'nomem';
    zone.condition = condition;
    zone.wp = -1;
    return 'ok';
  }

  /** Sectors of a read that show the store; the rest, from the write pointer on, is 0xFF. */
  valid(sector: number, sectors: number): number {
    const zone = this.at(sector);
    if (zone.condition === 'not-wp' || zone.wp === -1 || zone.wp === zone.start + zone.length)
      return sectors;
    let valid = 0;
    while (valid < sectors && sector + valid < zone.wp) valid++;
    return valid;
  }

  #count(...conditions: string[]): number {
    return this.zones.filter(({ condition }) => conditions.includes(condition)).length;
  }

  #transfer(sector: number, sectors: number): { done: number; result: ModelResult } {
    if (this.inner !== undefined) {
      const { done, status } = this.inner(sector, sectors);
      return { done, result: { status, sector, transfer: [sector, sectors] } };
    }
    const hit = sector <= this.bad && this.bad < sector + sectors;
    const done = hit ? this.bad - sector : sectors;
    const status = hit ? 'ioerr' : 'ok';
    return { done, result: { status, sector, transfer: [sector, sectors] } };
  }

  #empty(zone: ModelZone): boolean {
    if (this.outOfMemory) return false;
    this.discarded.push(zone.start);
    zone.condition = 'empty';
    zone.wp = zone.start;
    return true;
  }

  #takeResources(zone: ModelZone): string {
    const { maxOpen, maxActive } = this.#options;
    if (zone.condition === 'empty' && maxActive > 0 && this.active >= maxActive)
      return 'active-resource';
    if (maxOpen === 0 || this.open < maxOpen) return 'ok';
    const mayClose = maxActive === 0 || this.active < maxActive;
    const victim = this.#nextImplicit();
    if (victim === undefined || !mayClose) return 'open-resource';
    this.#lastClosed = this.zones.indexOf(victim);
    victim.condition = victim.wp === victim.start ? 'empty' : 'closed';
    return 'ok';
  }

  #nextImplicit(): ModelZone | undefined {
    const from = this.#lastClosed + 1;
    const round = [...this.zones.slice(from), ...this.zones.slice(0, from)];
    return round.find(({ condition }) => condition === 'implicit-open');
  }
}

function refused(status: string, sector: number): ModelResult {
  return { status, sector, transfer: undefined };
}
