/** What an image holds as a client would read it, and the making of data for a device from bytes that come one
 *  after the other. Knows neither files nor HTTP. Source: crash.md section 1. */

import type { SlabAllocator } from '../../pages/allocator.ts';
import { zeroView } from '../../pages/pin.ts';
import { PAGE_BYTES, SECTORS_PER_SLAB, SLAB_BYTES } from '../../pages/slab.ts';
import { type Bytes, bytes, MiB, SECTOR_BYTES, type Sector } from '../../units.ts';
import type { Readable } from '../path.ts';
import { HeldSlabs } from '../storage/held-slabs.ts';
import { PageStore } from '../storage/page-store.ts';
import { WriteCache } from '../storage/write-cache.ts';
import type { DeviceImage } from './device-image.ts';

/** @param capacity what is behind it is not read. */
export function readable(
  { data, cache }: DeviceImage,
  allocator: SlabAllocator,
  capacity: Bytes,
): Readable {
  const whole = bytes(Math.ceil(capacity / SLAB_BYTES) * SLAB_BYTES);
  const store = new PageStore(allocator, whole, undefined, data ?? new HeldSlabs(allocator, 0));
  if (cache === undefined) return store;
  const options = { capacity: whole, cacheBytes: bytes(MiB), blockSectors: 1 };
  const front = new WriteCache(store, allocator, options);
  front.exchange(cache);
  return front;
}

/** Its first `size` bytes, in pieces that nobody changes. */
export function* octetsOf(
  image: DeviceImage,
  allocator: SlabAllocator,
  size: number,
): Generator<Uint8Array> {
  const from = readable(image, allocator, bytes(size));
  for (let at = 0; at < size; at += SLAB_BYTES) {
    const piece = new Uint8Array(SLAB_BYTES);
    from.read((at / SECTOR_BYTES) as Sector, piece, 0, SLAB_BYTES); // the start of a slab
    // There may be terabytes of zeros.
    yield (isZero(piece) ? zeroView : piece).subarray(0, Math.min(SLAB_BYTES, size - at));
  }
}

/** Gathers what a device is to hold: zeros take no memory. */
export class Filling {
  readonly #slabs: HeldSlabs;
  readonly #store: PageStore;
  readonly #buffer = new Uint8Array(SLAB_BYTES);
  #filled = 0;
  #sector = 0;

  constructor(allocator: SlabAllocator, capacity: Bytes) {
    const whole = Math.ceil(capacity / SLAB_BYTES);
    this.#slabs = new HeldSlabs(allocator, whole);
    this.#store = new PageStore(allocator, bytes(whole * SLAB_BYTES), undefined, this.#slabs);
  }

  /** Bytes that have come. */
  get length(): number {
    return this.#sector * SECTOR_BYTES + this.#filled;
  }

  /** @returns false: there is no memory for them. */
  add(piece: Uint8Array): boolean {
    for (let at = 0; at < piece.length; ) {
      const count = Math.min(SLAB_BYTES - this.#filled, piece.length - at);
      this.#buffer.set(piece.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === SLAB_BYTES && !this.#flush()) return false;
    }
    return true;
  }

  /** The rest of the device is zeros. @returns what it holds, which is the caller's; undefined: no memory. */
  end(): HeldSlabs | undefined {
    this.#buffer.fill(0, this.#filled);
    const stored = this.#filled === 0 || this.#flush();
    return stored ? this.#slabs : undefined;
  }

  /** What came is not wanted. */
  drop(): HeldSlabs {
    return this.#slabs;
  }

  /** Of each page that is not all zeros. */
  #flush(): boolean {
    const buffer = this.#buffer;
    for (let at = 0; at < SLAB_BYTES; at += PAGE_BYTES) {
      const page = buffer.subarray(at, at + PAGE_BYTES);
      if (isZero(page)) continue;
      const sector = (this.#sector + at / SECTOR_BYTES) as Sector; // within the device's slabs
      if (!this.#store.write(sector, buffer, at, PAGE_BYTES)) return false;
    }
    this.#filled = 0;
    this.#sector += SECTORS_PER_SLAB;
    return true;
  }
}

/** @param part up to a slab long. */
function isZero(part: Uint8Array): boolean {
  return Buffer.compare(part, zeroView.subarray(0, part.length)) === 0;
}
