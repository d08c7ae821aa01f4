/** A device that threads read and write themselves, as the main thread sees it: it alone says what is
 *  where and who may, and keeps them out while something changes that they know nothing of. */

import { IoStats } from '../block/io-stats.ts';
import {
  DATA,
  isInPieces,
  PAGES_PER_SLAB,
  RESIDENT,
  SLAB_BYTES,
  type Slab,
} from '../pages/slab.ts';
import { bug } from '../units.ts';
import { DirectTimes } from './direct-times.ts';
import { ExtentLocks, waitUntil } from './extent-locks.ts';
import { CAPACITY_MAX, type DeviceMemory, Entry, Words } from './memory.ts';
import type { SlabGuard } from './slab-guard.ts';

const FULL = DATA | RESIDENT;

export class SharedDevice implements SlabGuard {
  readonly memory: DeviceMemory;
  /** No thread will look at it again. */
  readonly gone: () => void;
  readonly #threads: number;
  readonly #words: Int32Array;
  readonly #table: Int32Array;
  readonly #locks: ExtentLocks;
  readonly #times: DirectTimes;
  #allowed = false;
  #suspensions = 0;

  /** @param gone hears that it is not shared any more. */
  constructor(id: number, threads: number, capacity: number, gone: () => void = () => {}) {
    this.gone = gone;
    if (capacity > CAPACITY_MAX) bug(`a device of ${capacity} bytes cannot be shared`);
    const extents = Math.ceil(capacity / SLAB_BYTES);
    const words = new SharedArrayBuffer(Words.bytesFor(threads));
    const table = new SharedArrayBuffer(4 * extents);
    const times = new SharedArrayBuffer(DirectTimes.bytesFor(threads));
    this.memory = { id, words, table, times };
    this.#threads = threads;
    this.#words = new Int32Array(words);
    this.#table = new Int32Array(table);
    this.#locks = new ExtentLocks(this.#words, threads);
    this.#times = new DirectTimes(times);
  }

  get id(): number {
    return this.memory.id;
  }

  get enabled(): boolean {
    return Atomics.load(this.#words, Words.ENABLED) === 1;
  }

  /** Whether its options leave nothing to do but to move bytes. When false returns, no thread executes
   *  a request of it, nor will any until it is allowed again. */
  allow(allowed: boolean): void {
    this.#allowed = allowed;
    this.#apply();
  }

  /** Somebody needs what it holds to himself, until `resume`. */
  suspend(): void {
    this.#suspensions++;
    this.#apply();
  }

  resume(): void {
    this.#suspensions--;
    this.#apply();
  }

  lock(extent: number): void {
    this.#locks.lock(extent);
  }

  unlock(extent: number, slab: Slab | undefined, isOwned: boolean): void {
    this.#table[extent] = entryOf(slab, isOwned);
    this.#locks.unlock(extent);
  }

  /** @param own what went through the block layer. @returns that and what threads did. */
  withStats(own: IoStats): IoStats {
    const all = new IoStats();
    all.merge(own);
    this.#times.addTo(all);
    return all;
  }

  #apply(): void {
    const enabled = this.#allowed && this.#suspensions === 0;
    Atomics.store(this.#words, Words.ENABLED, enabled ? 1 : 0);
    if (enabled) return;
    for (let thread = 0; thread < this.#threads; thread++) {
      const at = Words.ofThread(thread);
      waitUntil(this.#words, at, () => Atomics.load(this.#words, at) === 0);
    }
  }
}

function entryOf(slab: Slab | undefined, isOwned: boolean): number {
  if (slab === undefined) return Entry.HOLE;
  if (isInPieces(slab)) return Entry.LAYERED;
  return Entry.of(slab.number, isOwned && isWritable(slab));
}

/** To write there changes bytes, but neither what holds data nor what somebody is being sent. */
function isWritable(slab: Slab): boolean {
  if (slab.pins !== 0 || slab.heldPages < PAGES_PER_SLAB) return false;
  for (let page = 0; page < PAGES_PER_SLAB; page++) if (slab.marks[page] !== FULL) return false;
  return true;
}
