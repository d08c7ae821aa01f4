/** Numbers for keys, and how often each came: tables that grow in small steps, so that no request waits
 *  for a large one. For counts by sector. */

import { bug } from '../units.ts';

const SHARDS = 256;
const FIRST_SLOTS = 16;
const NO_KEY = -1;
/** Of a slot: its key and its number. */
const SLOT_BYTES = 12;

/** Who counts what tables take. */
export interface TableMemory {
  /** @returns false: there is no room, and nothing was charged. */
  charge(bytes: number): boolean;
  release(bytes: number): void;
}

export const unlimited: TableMemory = { charge: () => true, release: () => {} };

/** Keys of one shard: open addressing, at most half full. */
interface Shard {
  keys: Float64Array;
  values: Uint32Array;
  used: number;
}

export class KeyTable {
  readonly #most: number;
  /** By the first key: of a thousand rules most have none. */
  #shards: (Shard | undefined)[] | undefined;
  #count = 0;
  readonly #memory: TableMemory;
  readonly #slotBytes: number;
  #charged = 0;

  /** @param most so many keys, at most 2^32. @param beside bytes that somebody else has for each slot. */
  constructor(most: number, memory: TableMemory = unlimited, beside = 0) {
    this.#most = most;
    this.#memory = memory;
    this.#slotBytes = SLOT_BYTES + beside;
  }

  /** It is used no more. */
  free(): void {
    this.#memory.release(this.#charged);
    this.#charged = 0;
    this.#shards = undefined;
  }

  get count(): number {
    return this.#count;
  }

  /** The key's number, from 0; -1: it is not there, and there is no room for it.
   *  @param key a whole number from 0 on. */
  add(key: number): number {
    const hash = mixed(key);
    const shard = this.#shard(hash % SHARDS);
    if (shard === undefined) return -1;
    const slot = slotOf(shard, key, hash);
    if (shard.keys[slot] === key) return shard.values[slot] ?? bug('a key without a number');
    if (this.#count === this.#most || !this.#hasRoom(shard)) return -1;
    put(shard, key, hash, this.#count);
    return this.#count++;
  }

  /** How often the key came, this time included. @returns 1 also where there is no room for it. Not
   *  together with `add`. */
  increment(key: number): number {
    const hash = mixed(key);
    const shard = this.#shard(hash % SHARDS);
    if (shard === undefined) return 1;
    const slot = slotOf(shard, key, hash);
    if (shard.keys[slot] === key) {
      const count = (shard.values[slot] ?? 0) + 1;
      shard.values[slot] = count;
      return count;
    }
    if (this.#count === this.#most || !this.#hasRoom(shard)) return 1;
    put(shard, key, hash, 1);
    this.#count++;
    return 1;
  }

  /** For one more key, perhaps in a table of twice the size. */
  #hasRoom(shard: Shard): boolean {
    const slots = shard.keys.length;
    if (2 * (shard.used + 1) <= slots) return true;
    if (!this.#charge(2 * slots)) return false;
    grow(shard);
    this.#memory.release(slots * this.#slotBytes);
    this.#charged -= slots * this.#slotBytes;
    return true;
  }

  #charge(slots: number): boolean {
    const bytes = slots * this.#slotBytes;
    if (!this.#memory.charge(bytes)) return false;
    this.#charged += bytes;
    return true;
  }

  #shard(at: number): Shard | undefined {
    this.#shards ??= Array.from({ length: SHARDS }, () => undefined);
    const there = this.#shards[at];
    if (there !== undefined) return there;
    if (!this.#charge(FIRST_SLOTS)) return undefined;
    const made = empty(FIRST_SLOTS);
    this.#shards[at] = made;
    return made;
  }
}

function empty(slots: number): Shard {
  return { keys: new Float64Array(slots).fill(NO_KEY), values: new Uint32Array(slots), used: 0 };
}

/** Where the key is, or is to be. */
function slotOf({ keys }: Shard, key: number, hash: number): number {
  const mask = keys.length - 1;
  let slot = (hash / SHARDS) & mask;
  for (; keys[slot] !== key && keys[slot] !== NO_KEY; ) slot = (slot + 1) & mask;
  return slot;
}

function put(shard: Shard, key: number, hash: number, value: number): void {
  const slot = slotOf(shard, key, hash);
  shard.keys[slot] = key;
  shard.values[slot] = value;
  shard.used++;
}

function grow(shard: Shard): void {
  const { keys, values } = shard;
  Object.assign(shard, empty(2 * keys.length));
  for (let slot = 0; slot < keys.length; slot++) {
    const key = keys[slot] ?? NO_KEY;
    if (key !== NO_KEY) put(shard, key, mixed(key), values[slot] ?? 0);
  }
}

/** murmur3's finalizer over both halves: 32 bits. */
function mixed(key: number): number {
  let value = (key ^ Math.imul(Math.floor(key / 2 ** 32), 0x9e3779b1)) >>> 0;
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

const CHUNK = 4096;

/** A count for each number, 0 at first. */
export class Counts {
  readonly #chunks: Uint32Array[] = [];

  get(at: number): number {
    return this.#chunks[Math.floor(at / CHUNK)]?.[at % CHUNK] ?? 0;
  }

  set(at: number, value: number): void {
    const chunk = Math.floor(at / CHUNK);
    while (this.#chunks.length <= chunk) this.#chunks.push(new Uint32Array(CHUNK));
    const counts = this.#chunks[chunk] ?? bug('no chunk');
    counts[at % CHUNK] = value;
  }

  /** One more. @returns the new count. */
  increment(at: number): number {
    const value = this.get(at) + 1;
    this.set(at, value);
    return value;
  }
}
