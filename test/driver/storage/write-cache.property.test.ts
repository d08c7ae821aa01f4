import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Status } from '../../../src/block/status.ts';
import { type Step as DriverStep, storeStep } from '../../../src/driver/path.ts';
import { cacheStep } from '../../../src/driver/storage/cache-step.ts';
import { PageStore } from '../../../src/driver/storage/page-store.ts';
import { WriteCache } from '../../../src/driver/storage/write-cache.ts';
import { createSlabAllocator } from '../../../src/pages/allocator.ts';
import { atOnce } from '../../../src/time/slicer.ts';
import { bytes } from '../../../src/units.ts';
import { CountingAllocator } from '../../pages/counting-allocator.ts';
import { comparisons, same } from '../../same.ts';
import { testRuns } from '../../test-runs.ts';
import { FUA, StepWorld } from '../step-world.ts';
import { CacheModel } from './cache-model.ts';

const DEVICE_SECTORS = 2 ** 43;
const REGION_SECTORS = 768;
/** The start, where the table's leaves meet, past 2^32 sectors, and the end. */
const regions = [0, 1024 * 256 - 384, 2 ** 33 - 256, DEVICE_SECTORS - REGION_SECTORS];
const kinds = [
  ...['write', 'write', 'write', 'write', 'read', 'read', 'fua', 'discard', 'zeroes'],
  ...['fuaZeroes', 'flush', 'powerCut'],
] as const;

interface Step {
  kind: (typeof kinds)[number];
  sector: number;
  sectors: number;
  salt: number;
}

/** Steps on whole blocks, each within one region. */
const traces = (block: number, length: number) => {
  const step = fc
    .record({
      kind: fc.constantFrom(...kinds),
      region: fc.constantFrom(...regions),
      first: fc.nat(REGION_SECTORS / block - 1),
      count: fc.oneof(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 1, max: 256 })),
      salt: fc.integer({ min: 1, max: 255 }),
    })
    .map(({ kind, region, first, count, salt }): Step => {
      const sectors = Math.min(count * block, REGION_SECTORS - first * block);
      return { kind, sector: region + first * block, sectors, salt };
    });
  return fc.array(step, { minLength: length, maxLength: length });
};

class World {
  readonly allocator = new CountingAllocator(createSlabAllocator({ poolSlabs: 2 }));
  readonly store = new PageStore(this.allocator, bytes(DEVICE_SECTORS * 512));
  readonly device: StepWorld;
  cache: WriteCache;
  readonly #store: DriverStep = storeStep(this.store);
  readonly #model: CacheModel;
  readonly #pagesMax: number;
  readonly #block: number;

  constructor(pagesMax: number, block: number) {
    this.#pagesMax = pagesMax;
    this.#block = block;
    this.#model = new CacheModel(pagesMax, block);
    this.cache = this.#makeCache();
    this.device = new StepWorld(this.allocator, cacheStep(this.cache, this.#store));
  }

  run(steps: readonly Step[]): void {
    for (const step of steps) {
      this.#act(step);
      same(this.cache.usedBytes, this.#model.usedPages * 4096);
      same(this.store.heldBytes, this.#model.heldPages * 4096);
    }
    for (const region of regions) this.#compare(region, REGION_SECTORS);
    this.#act({ kind: 'powerCut', sector: 0, sectors: 0, salt: 0 });
    for (const region of regions) this.#compare(region, REGION_SECTORS);
    atOnce(this.store.clear());
    atOnce(this.cache.drop());
    same(this.allocator.live.size, 0);
  }

  #act({ kind, sector, sectors, salt }: Step): void {
    const model = this.#model;
    const { device } = this;
    switch (kind) {
      case 'write':
      case 'fua': {
        const fua = kind === 'fua';
        const data = pattern(sectors, salt);
        const cuts = salt % 3 === 0 ? [Math.min(salt % 40, sectors)] : [];
        same(device.write(sector, data, fua ? FUA : 0, this.#whole(cuts)), Status.OK);
        model.write(sector, data, fua);
        break;
      }
      case 'zeroes':
        same(device.writeZeroes(sector, sectors), Status.OK);
        model.write(sector, Buffer.alloc(sectors * 512), false);
        break;
      case 'fuaZeroes':
        // Without NOUNMAP the store may forget what holds zeros, and does.
        same(device.writeZeroes(sector, sectors, FUA), Status.OK);
        model.discard(sector, sectors);
        break;
      case 'discard':
        same(device.discard(sector, sectors), Status.OK);
        model.discard(sector, sectors);
        break;
      case 'flush':
        same(this.cache.flush(), true);
        model.flush();
        break;
      case 'powerCut':
        atOnce(this.cache.drop());
        this.cache = this.#makeCache();
        device.step = cacheStep(this.cache, this.#store);
        model.powerCut();
        break;
      case 'read':
        this.#compare(sector, sectors);
    }
  }

  #compare(sector: number, sectors: number): void {
    const { status, data } = this.device.read(sector, sectors);
    same(status, Status.OK);
    same(data.equals(this.#model.read(sector, sectors)), true);
  }

  #makeCache(): WriteCache {
    return new WriteCache(this.store, this.allocator, {
      capacity: bytes(DEVICE_SECTORS * 512),
      cacheBytes: bytes(this.#pagesMax * 4096),
      blockSectors: this.#block,
    });
  }

  /** Pieces of memory hold whole blocks. */
  #whole(cuts: readonly number[]): number[] {
    return cuts.map((cut) => cut - (cut % this.#block));
  }
}

function pattern(sectors: number, salt: number): Buffer {
  const data = Buffer.alloc(sectors * 512);
  for (let i = 0; i < sectors; i++) data.fill((salt + i) & 0xff, i * 512, (i + 1) * 512);
  return data;
}

test.each([
  [1, 20],
  [1, 70],
  [2, 40],
  [8, 20],
])('a cache of blocks of %i sectors and %i pages does what two maps do', (block, pagesMax) => {
  const before = comparisons();
  const run = fc.property(traces(block, 60), (steps) => new World(pagesMax, block).run(steps));
  fc.assert(run, { numRuns: testRuns(12) });
  expect(comparisons()).toBeGreaterThan(before);
});
