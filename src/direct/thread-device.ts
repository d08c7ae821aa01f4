/** A device as a thread for sockets sees it: bytes at offsets, under the locks that all threads keep. It
 *  is entered for a batch of requests, and may be closed to us at any time in between. */

import { copyBytes } from '../pages/copy-bytes.ts';
import { placeInArena, SLABS_PER_ARENA } from '../pages/shared-slabs.ts';
import { SLAB_BYTES } from '../pages/slab.ts';
import { DirectTimes } from './direct-times.ts';
import { ExtentLocks } from './extent-locks.ts';
import type { ThreadLog } from './log-rings.ts';
import { type DeviceMemory, Enabled, Entry, Words } from './memory.ts';

/** What the main thread has told us before it is needed. */
export interface ThreadDeviceHost {
  /** The memory of an arena. */
  arena(number: number): Uint8Array;
  /** Where we note commands of the device. */
  log(device: number): ThreadLog;
}

export class ThreadDevice {
  readonly times: DirectTimes;
  readonly #words: Int32Array;
  readonly #table: Int32Array;
  readonly #locks: ExtentLocks;
  readonly #host: ThreadDeviceHost;
  readonly #active: number;
  readonly #id: number;
  #log: ThreadLog | undefined;
  /** As it was when we entered. */
  #enabled: number = Enabled.NO;

  /** @param thread our number among `threads`. */
  constructor(memory: DeviceMemory, thread: number, threads: number, host: ThreadDeviceHost) {
    this.#id = memory.id;
    this.#words = new Int32Array(memory.words);
    this.#table = new Int32Array(memory.table);
    this.#locks = new ExtentLocks(this.#words, threads);
    this.#host = host;
    this.#active = Words.ofThread(thread);
    this.times = new DirectTimes(memory.times);
  }

  /** @returns false: only the main thread may execute requests now. Else `leave` must follow soon. */
  enter(): boolean {
    Atomics.store(this.#words, this.#active, 1);
    // In this order, and the main thread in the other: one of us sees what the other has stored.
    this.#enabled = Atomics.load(this.#words, Words.ENABLED);
    if (this.#enabled !== Enabled.NO) return true;
    this.leave();
    return false;
  }

  leave(): void {
    Atomics.store(this.#words, this.#active, 0);
  }

  /** Where to note what is executed until `leave`; undefined: nowhere. */
  get log(): ThreadLog | undefined {
    if (this.#enabled !== Enabled.LOGGED) return undefined;
    this.#log ??= this.#host.log(this.#id);
    return this.#log;
  }

  /** Whether all of [offset, offset + length) has memory; it may change before the next call. */
  hasHole(offset: number, length: number): boolean {
    const end = Math.ceil((offset + length) / SLAB_BYTES);
    for (let extent = Math.floor(offset / SLAB_BYTES); extent < end; extent++) {
      if (Atomics.load(this.#table, extent) === Entry.HOLE) return true;
    }
    return false;
  }

  /** Reads `length` bytes at `offset` into `target` from `start` on.
   *  @returns false: not all can be read here. */
  read(offset: number, length: number, target: Uint8Array, start: number): boolean {
    let extent = Math.floor(offset / SLAB_BYTES);
    let at = offset - extent * SLAB_BYTES;
    for (let done = 0; done < length; extent++, at = 0) {
      const count = Math.min(length - done, SLAB_BYTES - at);
      this.#locks.lock(extent);
      const entry = this.#table[extent] ?? Entry.HOLE;
      if (entry === Entry.HOLE) target.fill(0, start + done, start + done + count);
      else if (entry !== Entry.LAYERED)
        copyBytes(target, this.#bytes(entry, at, count), start + done);
      this.#locks.unlock(extent);
      if (entry === Entry.LAYERED) return false;
      done += count;
    }
    return true;
  }

  /** Writes `length` bytes of `source` from `start` on.
   *  @returns false: not all can be written here; what was will be written again by who can. */
  write(offset: number, length: number, source: Uint8Array, start: number): boolean {
    let extent = Math.floor(offset / SLAB_BYTES);
    let at = offset - extent * SLAB_BYTES;
    for (let done = 0; done < length; extent++, at = 0) {
      const count = Math.min(length - done, SLAB_BYTES - at);
      this.#locks.lock(extent);
      const entry = this.#table[extent] ?? Entry.HOLE;
      const writable = Entry.writable(entry);
      if (writable) {
        const from = start + done;
        copyBytes(this.#bytes(entry, at, count), source.subarray(from, from + count));
      }
      this.#locks.unlock(extent);
      if (!writable) return false;
      done += count;
    }
    return true;
  }

  #bytes(entry: number, at: number, count: number): Uint8Array {
    const slab = Entry.slab(entry);
    const arena = this.#host.arena(Math.floor(slab / SLABS_PER_ARENA));
    const start = placeInArena(slab) + at;
    return arena.subarray(start, start + count);
  }
}
