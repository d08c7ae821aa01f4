/** What a device holds, powered or not: data and bad blocks, and how all of it is kept and changed for another
 *  content at one moment. Which moment is the caller's choice. Source: crash.md section 1. */

import type { SharedDevice } from '../../direct/shared-device.ts';
import type { SlabAllocator } from '../../pages/allocator.ts';
import type { Slicer, Work } from '../../time/slicer.ts';
import { type Bytes, bytes } from '../../units.ts';
import { BadBlocks } from '../badblocks.ts';
import { capacityOf } from '../capabilities.ts';
import type { MakeStore } from '../parts.ts';
import type { PoweredDevice } from '../powered-device.ts';
import { CachePages } from '../storage/cache-pages.ts';
import { HeldSlabs } from '../storage/held-slabs.ts';
import { PageStore } from '../storage/page-store.ts';
import type { FrozenZones } from '../zones/zone-set.ts';
import { type DeviceImage, endImage, type VolatileImage } from './device-image.ts';

type Powered = Pick<PoweredDevice, 'cache' | 'zones' | 'options'>;

export class DeviceContent {
  readonly badBlocks = new BadBlocks();
  /** Undefined: there were never any data. */
  store: PageStore | undefined;
  /** While it is powered on, and where threads may read and write it themselves. */
  shared: SharedDevice | undefined;
  /** Of what power off loses, what it has when power goes on: it became so while it was off. */
  #volatile: VolatileImage | undefined;
  readonly #allocator: SlabAllocator;
  readonly #slicer: Slicer;

  constructor(allocator: SlabAllocator, slicer: Slicer) {
    this.#allocator = allocator;
    this.#slicer = slicer;
  }

  /** @param make makes what keeps the data; undefined: it is like any other. */
  makeStore(capacity: Bytes, make: MakeStore | undefined): void {
    const { store } = this;
    this.store =
      store ?? make?.(this.#allocator, capacity) ?? new PageStore(this.#allocator, capacity);
    this.store.resize(capacity);
  }

  /** @param shared undefined: threads do not read and write it themselves. */
  powerOn(powered: Powered, shared: SharedDevice | undefined): void {
    this.shared = shared;
    this.store?.share(shared);
    const volatile = this.#volatile;
    this.#volatile = undefined;
    if (volatile !== undefined) this.#restore(powered, volatile);
    shared?.suspend();
    this.#showThreads();
  }

  powerOff(): void {
    this.store?.share(undefined);
    this.shared?.gone();
    this.shared = undefined;
  }

  /** After a power cut they are as they were. */
  keepZones(zones: FrozenZones | undefined): void {
    if (zones !== undefined) this.#volatile = { cache: undefined, zones };
  }

  /** What it holds now: in no time, and without a copy. */
  freeze(powered: Powered | undefined): DeviceImage {
    this.shared?.suspend();
    const data = this.store?.freeze();
    this.#showThreads();
    const kept = this.#volatile;
    const cache = powered === undefined ? kept?.cache?.fork() : powered.cache?.freeze();
    const zones = powered === undefined ? kept?.zones : powered.zones?.freeze();
    return { data, badBlocks: this.badBlocks.snapshot(), cache, zones };
  }

  /** From now on it holds `image`, which is its own; what it held is given back in pieces. */
  exchange({ data, badBlocks, cache, zones }: DeviceImage, powered: Powered | undefined): void {
    this.badBlocks.thaw(badBlocks);
    this.shared?.suspend();
    let before: HeldSlabs | undefined;
    if (this.store !== undefined) {
      before = this.store.exchange(data ?? new HeldSlabs(this.#allocator, 0));
    } else if (data !== undefined) {
      this.store = new PageStore(this.#allocator, bytes(0), undefined, data);
    }
    this.#showThreads(before);
    if (powered !== undefined) return this.#restore(powered, { cache, zones });
    this.#forget(this.#volatile?.cache);
    this.#volatile = { cache, zones };
  }

  /** The device goes away. */
  *end(): Work {
    const { store } = this;
    this.store = undefined;
    if (this.#volatile !== undefined) yield* endImage(this.#volatile);
    if (store !== undefined) yield* store.end();
  }

  #restore(powered: Powered, { cache, zones }: VolatileImage): void {
    powered.zones?.thaw(zones);
    if (powered.cache === undefined) return this.#forget(cache);
    const capacity = bytes(capacityOf(powered.options));
    this.#forget(powered.cache.exchange(cache ?? new CachePages(this.#allocator, capacity)));
    if (powered.cache.needsDrain) void this.#slicer.run(powered.cache.drain());
  }

  #forget(cache: CachePages | undefined): void {
    if (cache !== undefined) void this.#slicer.run(endImage({ cache }));
  }

  /** Threads, which are kept out, may come back when they are shown what is there.
   *  @param before what was there: it is given back then. */
  #showThreads(before?: HeldSlabs): void {
    void this.#slicer.run(shown(this.store, this.shared, before));
  }
}

function* shown(
  store: PageStore | undefined,
  shared: SharedDevice | undefined,
  before: HeldSlabs | undefined,
): Work {
  if (store !== undefined && shared !== undefined) yield* store.publish(before);
  shared?.resume();
  if (before !== undefined) yield* before.end();
}
