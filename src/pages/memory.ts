/** How much memory all data together takes and may take. Code that takes memory for data charges it here
 *  first and releases it when the system has it back. Knows neither slabs nor devices.
 *  Source: parameter --memory-limit; docs/running.md, When memory is full. */

import { type Bytes, bug, bytes, MiB } from '../units.ts';

/** What a slab takes beside its pages, and the part of it that is JavaScript heap. Measured with 100,000
 *  slabs on Node 20: 805 bytes of the process, 285 of its page tables, 536 of the heap. */
export const SLAB_OVERHEAD_BYTES = 1024;
const SLAB_HEAP_BYTES = 600;

/** What memory is for, which decides how far it may go beyond the limit. */
export const Room = {
  /** What stays: within the limit. */
  DATA: 0,
  /** A payload being received, which may replace stored data: a little beyond the limit, so that data that
   *  have memory can be written again when memory is full. */
  PAYLOAD: 1,
  /** A reply on its way out, or an operation that frees more than it takes: as far as clients may have data
   *  in flight. */
  ANY: 2,
} as const;
export type Room = (typeof Room)[keyof typeof Room];

/** How far beyond the limit payloads may go. */
const PAYLOAD_SHARE = 1 / 8;
const PAYLOAD_BYTES_MAX = 128 * MiB;

export interface MemoryOptions {
  /** Undefined: no limit. */
  readonly limit?: Bytes | undefined;
  /** How many slabs may be in use: each takes address space, however few of its pages hold data.
   *  Undefined: no limit. */
  readonly slabsMax?: number | undefined;
  /** How much of JavaScript's heap slabs and tables may take. The heap cannot grow for ever and ends the
   *  process when it is full. Undefined: no limit. */
  readonly heapMax?: Bytes | undefined;
  /** Asked before every piece of memory that the data path takes. True: there is none, whatever the limit
   *  says. This is the one place where a test or a simulator makes the n-th allocation fail. */
  readonly fails?: ((bytes: number) => boolean) | undefined;
  /** Called for the first refusal, and again after memory was free in between. */
  readonly full?: (() => void) | undefined;
}

/** Memory counts as full until so much of the limit is free again: for `full` alone. */
const FREE_AGAIN = 1 / 16;

/** INVARIANT: `#used` is SLAB_OVERHEAD_BYTES for each slab, PAGE_BYTES for each of its resident pages, and
 *  everything else that was charged and not released. */
export class DataMemory {
  /** Infinity: none. */
  readonly limitBytes: number;
  readonly #most: Rooms;
  readonly #slabsMax: Rooms;
  readonly #heapMax: number;
  readonly #fails: ((bytes: number) => boolean) | undefined;
  readonly #full: (() => void) | undefined;
  #used = 0;
  #slabsInUse = 0;
  #heap = 0;
  #isFull = false;
  /** How often memory was refused, by the limit or the system. */
  refusals = 0;

  constructor({ limit, slabsMax, heapMax, fails, full }: MemoryOptions = {}) {
    this.limitBytes = limit ?? Number.POSITIVE_INFINITY;
    this.#most = rooms(this.limitBytes, Number.POSITIVE_INFINITY);
    // Address space has no room beyond the limit, unlike memory.
    const slabs = rooms(slabsMax ?? Number.POSITIVE_INFINITY, 0);
    this.#slabsMax = [slabs[Room.DATA], slabs[Room.PAYLOAD], slabs[Room.PAYLOAD]];
    this.#heapMax = heapMax ?? Number.POSITIVE_INFINITY;
    this.#fails = fails;
    this.#full = full;
  }

  get usedBytes(): Bytes {
    return bytes(this.#used);
  }

  /** True when there is room for `length` bytes. */
  hasRoom(length: number, room: Room = Room.DATA): boolean {
    return this.#used + length <= this.#most[room];
  }

  /** True when nothing is beyond the limit if `length` bytes of what is used count as free. For stored
   *  data. */
  isWithinLimit(length = 0): boolean {
    if (this.hasRoom(-length) && this.#slabsInUse <= this.#slabsMax[Room.DATA]) return true;
    this.refused();
    return false;
  }

  /** True when there is room for one more slab, without its pages. */
  get hasRoomForSlab(): boolean {
    return this.hasRoom(SLAB_OVERHEAD_BYTES) && this.#heap + SLAB_HEAP_BYTES <= this.#heapMax;
  }

  /** @returns false: there is no memory, and nothing was charged. */
  charge(length: number, room: Room = Room.DATA): boolean {
    if (this.hasRoom(length, room) && this.#fails?.(length) !== true) {
      this.#used += length;
      return true;
    }
    this.refused();
    return false;
  }

  release(length: number): void {
    this.#used -= length;
    if (this.#used < 0) bug(`${length} bytes were released that nobody had charged`);
    if (this.#isFull && this.#used <= this.limitBytes * (1 - FREE_AGAIN)) this.#isFull = false;
  }

  /** Before a slab is used. @returns false: the number of slabs is at its limit. */
  useSlab(room: Room): boolean {
    if (this.#slabsInUse < this.#slabsMax[room]) {
      this.#slabsInUse++;
      return true;
    }
    this.refused();
    return false;
  }

  /** A slab is no longer used. */
  unuseSlab(): void {
    this.#slabsInUse--;
  }

  /** Slabs are made, without their pages. @returns false: there is no memory. */
  chargeSlabs(count: number, room: Room = Room.DATA): boolean {
    const heap = count * SLAB_HEAP_BYTES;
    if (this.#heap + heap > this.#heapMax) {
      this.refused();
      return false;
    }
    if (!this.charge(count * SLAB_OVERHEAD_BYTES, room)) return false;
    this.#heap += heap;
    return true;
  }

  releaseSlabs(count: number): void {
    this.#heap -= count * SLAB_HEAP_BYTES;
    this.release(count * SLAB_OVERHEAD_BYTES);
  }

  /** The same for objects of JavaScript's heap: tables of data that the limit counts separately. */
  chargeObjects(length: number): boolean {
    if (this.#heap + length > this.#heapMax) {
      this.refused();
      return false;
    }
    if (!this.charge(length, Room.PAYLOAD)) return false;
    this.#heap += length;
    return true;
  }

  /** The same where it cannot be refused: a little, once. */
  oweObjects(length: number): void {
    this.#heap += length;
    this.#used += length;
  }

  releaseObjects(length: number): void {
    this.#heap -= length;
    this.release(length);
  }

  /** A small, short-lived buffer for data on their way: it does not count.
   *  @returns undefined: there is no memory. */
  buffer(length: number): Uint8Array | undefined {
    if (this.#fails?.(length) === true) return undefined;
    return orNone(() => new Uint8Array(length));
  }

  /** Memory was asked for, and there is none. */
  refused(): void {
    this.refusals++;
    if (this.#isFull) return;
    this.#isFull = true;
    this.#full?.();
  }
}

type Rooms = readonly [data: number, payload: number, replies: number];

function rooms(most: number, replies: number): Rooms {
  return [most, most + Math.min(most * PAYLOAD_SHARE, PAYLOAD_BYTES_MAX), replies];
}

/** @returns undefined when the system has no memory (or no address space) for it. */
export function orNone<T>(take: () => T): T | undefined {
  try {
    return take();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
