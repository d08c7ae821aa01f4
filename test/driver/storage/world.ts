/** A page store beside its naive twin, with pins held across later steps. Each step acts on both and
 *  compares; `settle` proves that nothing leaked. For tests. */

import fc from 'fast-check';
import type { HeldSlabs } from '../../../src/driver/storage/held-slabs.ts';
import { PageStore } from '../../../src/driver/storage/page-store.ts';
import { LEVEL_BYTES } from '../../../src/driver/storage/slab-table.ts';
import { createSlabAllocator } from '../../../src/pages/allocator.ts';
import { DataMemory, SLAB_OVERHEAD_BYTES } from '../../../src/pages/memory.ts';
import { zeroView } from '../../../src/pages/pin.ts';
import { ScatteredPages } from '../../../src/pages/scattered.ts';
import {
  PAGE_BYTES,
  PAGES_PER_SLAB,
  RESIDENT,
  SECTORS_PER_SLAB,
  SLAB_BYTES,
} from '../../../src/pages/slab.ts';
import { PageViews } from '../../../src/pages/views.ts';
import { atOnce, type Work } from '../../../src/time/slicer.ts';
import { bytes, SECTOR_BYTES, sector } from '../../../src/units.ts';
import { CountingAllocator } from '../../pages/counting-allocator.ts';
import { same } from '../../same.ts';
import { checkLayers } from './layers.ts';
import { StoreModel } from './model.ts';

const DEVICE_SECTORS = 2 ** 43;
/** A sparse device of three regions: its start, where the table's leaves meet, its end. */
const regions = [0, 1022 * SECTORS_PER_SLAB, DEVICE_SECTORS - 4 * SECTORS_PER_SLAB];
const REGION_SECTORS = 4 * SECTORS_PER_SLAB;

/** As many as a step can touch. */
const zeros = Buffer.alloc(REGION_SECTORS * SECTOR_BYTES);
/** Of every read, with a border. */
const target = Buffer.alloc(REGION_SECTORS * SECTOR_BYTES + 10);
/** Sectors of one byte each, for `pattern`. */
const ramp = Buffer.alloc((255 + REGION_SECTORS) * SECTOR_BYTES);
for (let i = 0; i < 255 + REGION_SECTORS; i++) {
  ramp.fill((i % 255) + 1, i * SECTOR_BYTES, (i + 1) * SECTOR_BYTES);
}

const kinds = [
  ...['write', 'write', 'write', 'read', 'view', 'view', 'release', 'discard', 'discard'],
  ...['writeZeroes', 'adopt', 'abandon', 'compact', 'clear'],
  ...['freeze', 'exchange', 'rollBack', 'thaw', 'beginClear', 'goOn', 'goOn'],
] as const;
export interface Step {
  kind: string;
  sector: number;
  sectors: number;
  salt: number;
}

function within(
  region: number,
  offset: number,
  length: number,
): { sector: number; sectors: number } {
  const first = offset % REGION_SECTORS;
  return { sector: region + first, sectors: Math.min(length, REGION_SECTORS - first) };
}

const pages = fc.integer({ min: 0, max: REGION_SECTORS / 8 }).map((page) => page * 8);
const slabStarts = fc.integer({ min: 0, max: 3 }).map((slab) => slab * SECTORS_PER_SLAB);
const anywhere = fc.integer({ min: 0, max: REGION_SECTORS - 1 });
/** Sectors, pages, slabs: the fast paths depend on what a request is aligned to. */
const range = fc
  .tuple(
    fc.constantFrom(...regions),
    fc.oneof(anywhere, pages, slabStarts),
    fc.oneof(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 600 }),
      fc.constantFrom(8, 64, SECTORS_PER_SLAB, 2 * SECTORS_PER_SLAB, REGION_SECTORS),
    ),
  )
  .map(([region, offset, length]) => within(region, offset, length));

const step: fc.Arbitrary<Step> = fc
  .tuple(fc.constantFrom(...kinds), range, fc.integer({ min: 0, max: 255 }))
  .map(([kind, where, salt]) => ({ kind, ...where, salt }))
  // Emptying all is rare, or no run would get far.
  .map((each) => (each.kind === 'clear' && each.salt > 40 ? { ...each, kind: 'write' } : each));
export const trace = (length: number): fc.Arbitrary<Step[]> =>
  fc.array(step, { minLength: length, maxLength: length });

/** What a step does to the sectors from `from` on. */
type Change = (model: StoreModel, from: number, sectors: number) => void;

interface Pinned {
  views: PageViews;
  snapshot: Buffer;
}

/** What the store held once. */
interface Frozen {
  slabs: HeldSlabs;
  model: StoreModel;
}
const FROZEN_MAX = 3;

export class World {
  /** Which taking of memory, counted from 1, finds none; 0: none does. */
  failAt = 0;
  /** How often memory was taken. */
  charges = 0;
  readonly memory = new DataMemory({ fails: () => ++this.charges === this.failAt });
  readonly allocator = new CountingAllocator(
    createSlabAllocator({ poolSlabs: 2, memory: this.memory }),
  );
  /** No idle memory is free here, so that a few idle pages are worth compacting. */
  readonly store = new PageStore(this.allocator, bytes(DEVICE_SECTORS * SECTOR_BYTES), 0);
  #model = new StoreModel(regions, REGION_SECTORS);
  #pinned: Pinned[] = [];
  #frozen: Frozen[] = [];
  /** Slabs on their way back. */
  #work: Work[] = [];

  run(steps: Step[]): void {
    for (const each of steps) {
      this.#act(each);
      this.#checkHeld();
      this.#checkSlabs();
      if (this.failAt > 0) this.#checkMemory();
    }
    this.settle();
  }

  /** All pins go, all is compared, all is cleared: then nothing may be left. */
  settle(): void {
    while (this.#pinned.length > 0) this.#releaseOne(0);
    for (const work of this.#work) atOnce(work);
    this.#checkSlabs();
    for (const region of regions) this.#compare(region, REGION_SECTORS);
    for (const { slabs, model } of this.#frozen) {
      this.#model = model;
      atOnce(this.store.exchange(slabs).end());
      for (const region of regions) this.#compare(region, REGION_SECTORS);
      same(this.store.heldBytes, model.heldBytes);
    }
    atOnce(this.store.clear());
    this.#checkMemory();
    same(this.store.heldBytes + this.store.idleBytes + this.store.slabCount, 0);
    same(this.allocator.live.size, 0);
    same(Buffer.compare(zeroView, zeros.subarray(0, zeroView.length)), 0);
  }

  #act(each: Step): void {
    const { kind, sectors, salt } = each;
    const at = sector(each.sector);
    const count = sector(sectors);
    const { store } = this;
    if (kind === 'read') this.#compare(at, sectors);
    else if (kind === 'view') this.#view(each);
    else if (kind === 'release') this.#releaseOne(salt);
    else if (kind === 'adopt') this.#adopt(each);
    else if (kind === 'abandon') this.#abandon(salt);
    else if (kind === 'compact') this.#compact(salt);
    else if (kind === 'freeze') this.#freeze();
    else if (kind === 'exchange') this.#exchange(salt);
    else if (kind === 'rollBack') this.#rollBack(salt);
    else if (kind === 'thaw') this.#thaw(salt);
    else if (kind === 'goOn') this.#goOn(salt);
    else if (kind === 'beginClear') {
      // Sometimes others come before it goes on.
      const whole = sector(DEVICE_SECTORS);
      if (salt < 40 && store.discard(sector(0), whole)) {
        this.#model.clear();
        this.#work.push(store.drain());
      }
    } else if (kind === 'clear') {
      atOnce(store.clear());
      this.#model.clear();
    } else if (kind === 'discard') {
      this.#apply(each, store.discard(at, count), (model, from, to) => model.discard(from, to));
    } else if (kind === 'writeZeroes') {
      const zeroes = (model: StoreModel, from: number, length: number) =>
        model.write(from, zeros.subarray(0, length * SECTOR_BYTES));
      this.#apply(each, store.writeZeroes(at, count), zeroes);
    } else {
      const data = pattern(sectors, salt);
      // Sometimes the payload lies in the middle of a larger buffer.
      const lead = (salt % 3) * 100;
      const source = lead === 0 ? data : Buffer.concat([Buffer.alloc(lead), data, Buffer.alloc(9)]);
      const write = (model: StoreModel, from: number, length: number) => {
        const offset = (from - at) * SECTOR_BYTES;
        model.write(from, data.subarray(offset, offset + length * SECTOR_BYTES));
      };
      this.#apply(each, store.write(at, source, lead, data.length), write);
    }
  }

  /** Brings the model up to what the store did: all of it, or the slabs before the one without
   *  memory. Content and memory must match exactly one such cut. */
  #apply({ sector: at, sectors }: Step, done: boolean, change: Change): void {
    if (done) change(this.#model, at, sectors);
    else this.#applyBefore(at, sectors, change);
  }

  #applyBefore(at: number, sectors: number, change: Change): void {
    // What is on its way back would be counted, too.
    for (const work of this.#work.splice(0)) atOnce(work);
    const end = at + sectors;
    for (let cut = at; cut < end; cut = nextSlab(cut)) {
      const model = this.#model.clone();
      if (cut > at) change(model, at, cut - at);
      const same = this.#read(at, sectors).equals(model.read(at, sectors * SECTOR_BYTES));
      if (!same || model.heldBytes !== this.store.heldBytes) continue;
      this.#model = model;
      return;
    }
    throw new Error('after a failure the store holds neither all slabs before some slab, nor none');
  }

  #freeze(): void {
    if (this.#frozen.length === FROZEN_MAX) return;
    this.#frozen.push({ slabs: this.store.freeze(), model: this.#model.clone() });
  }

  /** What it held is kept, to be written again when it comes back: as a clone and its origin. */
  #exchange(which: number): void {
    const frozen = this.#frozen[which % Math.max(this.#frozen.length, 1)];
    if (frozen === undefined) return;
    frozen.slabs = this.store.exchange(frozen.slabs);
    [frozen.model, this.#model] = [this.#model, frozen.model];
  }

  #rollBack(which: number): void {
    const frozen = this.#frozen[which % Math.max(this.#frozen.length, 1)];
    if (frozen === undefined) return;
    this.#work.push(this.store.exchange(frozen.slabs.fork()).end());
    this.#model = frozen.model.clone();
  }

  #thaw(which: number): void {
    const [frozen] = this.#frozen.splice(which % Math.max(this.#frozen.length, 1), 1);
    if (frozen !== undefined) this.#work.push(frozen.slabs.end());
  }

  #goOn(which: number): void {
    const [work] = this.#work.splice(which % Math.max(this.#work.length, 1), 1);
    if (work === undefined) return;
    if (which % 3 === 0) atOnce(work);
    else if (work.next().done !== true) this.#work.push(work);
  }

  /** What is on its way back is counted still. */
  #checkHeld(): void {
    const { heldBytes } = this.store;
    if (this.#work.length === 0) same(heldBytes, this.#model.heldBytes);
    else same(heldBytes >= this.#model.heldBytes, true);
  }

  #view({ sector: at, sectors }: Step): void {
    const takes = this.allocator.takes;
    const views = new PageViews(this.allocator);
    this.store.view(sector(at), sectors * SECTOR_BYTES, views);
    const snapshot = Buffer.from(this.#model.read(at, sectors * SECTOR_BYTES)); // copies
    this.#pinned.push({ views, snapshot });
    same(shown(views).equals(snapshot), true);
    same(this.allocator.takes, takes);
  }

  #releaseOne(which: number): void {
    const [pinned] = this.#pinned.splice(which % Math.max(this.#pinned.length, 1), 1);
    if (pinned === undefined) return;
    same(shown(pinned.views).equals(pinned.snapshot), true);
    pinned.views.release();
  }

  /** What is charged is what slabs take, and the table: whatever failed. */
  #checkMemory(): void {
    let resident = 0;
    const { charged } = this.allocator;
    for (const slab of charged) {
      let pages = 0;
      for (let page = 0; page < PAGES_PER_SLAB; page++) {
        if (((slab.marks[page] ?? 0) & RESIDENT) !== 0) pages++;
      }
      same(slab.residentPages, pages);
      if (slab.scattered === undefined) resident += pages;
    }
    const table = this.memory.usedBytes - resident * PAGE_BYTES;
    // One that was made while its pages were refused waits to be taken; slabs are never unmade.
    const least = charged.length * SLAB_OVERHEAD_BYTES;
    const most = least + (this.failAt === 0 ? 0 : SLAB_OVERHEAD_BYTES);
    // The three regions are in at most four leaves and two nodes.
    const nothing = this.#frozen.length === 0 && this.#work.length === 0;
    const tables = 1 + this.#frozen.length + this.#work.length;
    const levels = nothing && this.store.slabCount === 0 ? 0 : 6 * tables * LEVEL_BYTES;
    if (table < least || table > most + levels) {
      throw new Error(`${table} bytes are charged for ${charged.length} slabs and their table`);
    }
  }

  /** How many slabs layers alone have. */
  #onlyBelow(): number {
    const alone = [...this.allocator.live].filter(
      ({ retired, layers = [], shares }) => !retired && layers.length === shares + 1,
    );
    // What one layer alone has is copied up, where there is memory for it.
    if (this.failAt === 0 && this.allocator.failAt === 0)
      same(alone.filter(({ shares }) => shares === 0).length, 0);
    return alone.length;
  }

  #adopt({ sector: at, salt }: Step): void {
    const slab = this.allocator.takeDirty();
    if (slab === undefined) return;
    const data = pattern(SECTORS_PER_SLAB, salt);
    slab.bytes.set(data);
    const start = at - (at % SECTORS_PER_SLAB);
    if (this.store.adopt(sector(start), slab)) this.#model.write(start, data);
    else this.allocator.give(slab);
  }

  /** A receiver that got half a payload and gives its slab back. */
  #abandon(salt: number): void {
    const slab = this.allocator.takeDirty();
    if (slab === undefined) return;
    slab.bytes.fill(0xee, salt * 100);
    this.allocator.give(slab);
  }

  #compact(salt: number): void {
    // What is on its way back counts as idle still.
    if (salt % 2 === 0 || this.#work.length > 0) {
      this.store.compact(1);
      return;
    }
    while (this.store.compact(2));
    if (this.allocator.failAt === 0 && this.failAt === 0) same(this.store.needsCompaction, false);
  }

  /** What the store has: until the next read. */
  #read(at: number, sectors: number): Buffer {
    const takes = this.allocator.takes;
    const end = 7 + sectors * SECTOR_BYTES;
    target.fill(0x5a, 0, end + 3);
    this.store.read(sector(at), target, 7, sectors * SECTOR_BYTES);
    same(this.allocator.takes, takes);
    same(target.toString('hex', 0, 7) + target.toString('hex', end, end + 3), '5a'.repeat(10));
    return target.subarray(7, end);
  }

  #compare(at: number, sectors: number): void {
    const expected = this.#model.read(at, sectors * SECTOR_BYTES);
    same(this.#read(at, sectors).equals(expected), true);
  }

  /** Each slab taken is in the table, or below another one, or retired with a reader. */
  #checkSlabs(): void {
    const retired = [...this.allocator.live].filter((slab) => slab.retired);
    for (const slab of this.allocator.live) if (!slab.retired) checkLayers(slab);
    const tables = [this.store, ...this.#frozen.map(({ slabs }) => slabs.table)];
    const held = tables.map((one) => (one instanceof PageStore ? one.slabCount : one.size));
    const most = held.reduce((sum, count) => sum + count, retired.length + this.#onlyBelow());
    const { size } = this.allocator.live;
    if (this.#work.length === 0 && tables.length === 1) same(size, most);
    if (this.#work.length === 0) same(size <= most, true);
    same(
      retired.every((slab) => slab.pins > 0),
      true,
    );
    for (const slab of this.allocator.live) {
      if (!slab.retired) same(slab.heldPages > 0, true);
    }
    this.#checkPlaces();
  }

  /** Scattered pages have places of their own. */
  #checkPlaces(): void {
    const { live, cut } = this.allocator;
    const places = new Set<number>();
    let pages = 0;
    for (const { scattered, marks, residentPages } of live) {
      if (!(scattered instanceof ScatteredPages)) continue;
      pages += residentPages;
      marks.forEach((mark, page) => {
        if ((mark & RESIDENT) !== 0) places.add(scattered.places[page] ?? -1);
      });
    }
    same(places.size, pages);
    same(cut.size >= Math.ceil(pages / PAGES_PER_SLAB), true);
    if (pages === 0) same(cut.size, 0);
  }
}

function nextSlab(at: number): number {
  return at - (at % SECTORS_PER_SLAB) + SECTORS_PER_SLAB;
}

/** Sectors that differ from each other and, by the salt, from other writes; salt 0 writes zeros. */
function pattern(sectors: number, salt: number): Buffer {
  if (salt === 0) return zeros.subarray(0, sectors * SECTOR_BYTES);
  const data = Buffer.from(ramp.subarray(salt * SECTOR_BYTES, (salt + sectors) * SECTOR_BYTES));
  for (let i = 0; i < sectors; i++) {
    data.writeUInt16LE((salt << 8) + (i & 0xff), i * SECTOR_BYTES + (salt % 510));
  }
  return data;
}

function shown(views: PageViews): Buffer {
  const parts: Uint8Array[] = [];
  for (let i = 0; i < views.count; i++) {
    parts.push((views.buffers[i] ?? zeroView).subarray(views.starts[i], views.ends[i]));
  }
  same(
    parts.every((part) => part.length <= SLAB_BYTES),
    true,
  );
  return Buffer.concat(parts);
}
