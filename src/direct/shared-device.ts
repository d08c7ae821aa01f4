/** A device that threads read and write themselves, as the main thread sees it: it alone says what is
 *  where and who may, and keeps them out while something changes that they know nothing of. */

import { IoStats } from '../block/io-stats.ts';
import { orNone } from '../pages/memory.ts';
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
import { LogRings } from './log-rings.ts';
import { CAPACITY_MAX, type DeviceMemory, Enabled, Entry, Words } from './memory.ts';
import type { SlabGuard } from './slab-guard.ts';

const FULL = DATA | RESIDENT;

/** Who tells the threads about it. */
export interface SharedDeviceHost {
  /** No thread will look at it again. */
  gone(): void;
  /** Threads will note commands there. */
  logs(rings: LogRings): void;
}

export class SharedDevice implements SlabGuard {
  readonly memory: DeviceMemory;
  readonly #host: SharedDeviceHost;
  readonly #threads: number;
  readonly #words: Int32Array;
  readonly #table: Int32Array;
  readonly #locks: ExtentLocks;
  readonly #times: DirectTimes;
  #allowed = false;
  /** Threads note what they execute. */
  #logged = false;
  #suspensions = 0;
  #rings: LogRings | undefined;

  constructor(id: number, threads: number, capacity: number, host: SharedDeviceHost) {
    this.#host = host;
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
    return Atomics.load(this.#words, Words.ENABLED) !== Enabled.NO;
  }

  /** No thread will look at it again. */
  gone(): void {
    this.#host.gone();
  }

  /** Where threads note what they execute, for the request log. Undefined: there is no memory for it. */
  get rings(): LogRings | undefined {
    if (this.#rings !== undefined) return this.#rings;
    this.#rings = orNone(() => new LogRings(this.#threads));
    if (this.#rings !== undefined) this.#host.logs(this.#rings);
    return this.#rings;
  }

  /** Whether its options leave nothing to do but to move bytes. When false returns, no thread executes
   *  a request of it, nor will any until it is allowed again. @param logged each is noted in `rings`. */
  allow(allowed: boolean, logged = false): void {
    this.#allowed = allowed;
    this.#logged = logged;
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
    const how = this.#logged ? Enabled.LOGGED : Enabled.YES;
    Atomics.store(this.#words, Words.ENABLED, enabled ? how : Enabled.NO);
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
