/** A sorted set of ranges of 64-bit sectors, in chunks of bounded length: a change moves one chunk, and a
 *  copy shares all of them until either side changes one. Does not know what the ranges mean. */

import { bug } from '../units.ts';

/** Both ends included. */
export type Range = readonly [first: bigint, last: bigint];

/** Numbers up to here are exact, and rounded ones lie behind it: comparing numbers is ten times as fast. */
const EXACT = BigInt(Number.MAX_SAFE_INTEGER);
/** A change moves at most so many ranges. */
const CHUNK_MAX = 512;

/** INVARIANTS
 *  RANGES: firsts[i] <= lasts[i], and lasts[i] + 1 < firsts[i + 1]: sorted and apart; never empty while
 *  in a list.
 *  MIRROR: firstNumbers and lastNumbers are the same as numbers. Doubles suffice to compare with the
 *  sectors of a device: rounding keeps the order, and below 2^53 nothing is rounded. */
class Chunk {
  /** Only the list with this token may change the chunk; other lists may share it. */
  readonly token: object;
  readonly firsts: bigint[];
  readonly lasts: bigint[];
  readonly firstNumbers: number[];
  readonly lastNumbers: number[];

  constructor(token: object, firsts: bigint[], lasts: bigint[]) {
    this.token = token;
    this.firsts = firsts;
    this.lasts = lasts;
    this.firstNumbers = firsts.map(Number);
    this.lastNumbers = lasts.map(Number);
  }

  get length(): number {
    return this.firsts.length;
  }

  first(at: number): bigint {
    return this.firsts[at] ?? bug('a hole in a list of ranges');
  }

  last(at: number): bigint {
    return this.lasts[at] ?? bug('a hole in a list of ranges');
  }

  /** Replaces the ranges from `from` up to `to` by `ranges`. */
  replace(from: number, to: number, ranges: readonly Range[]): void {
    let at = from;
    for (const [first, last] of ranges) {
      // If there is one to replace, nothing moves.
      const gone = at < to ? 1 : 0;
      put(this.firsts, at, gone, first);
      put(this.lasts, at, gone, last);
      put(this.firstNumbers, at, gone, Number(first));
      put(this.lastNumbers, at, gone, Number(last));
      at++;
    }
    if (at >= to) return;
    for (const values of [this.firsts, this.lasts]) values.splice(at, to - at);
    for (const numbers of [this.firstNumbers, this.lastNumbers]) numbers.splice(at, to - at);
  }
}

/** A range's place; behind the last range it is `at` 0 of a chunk that does not exist. */
interface Place {
  readonly chunk: number;
  readonly at: number;
}

/** INVARIANT: `#ends[i]` is the last number of chunk i; the chunks are sorted and apart like their ranges. */
export class RangeList implements Iterable<Range> {
  readonly #chunkMax: number;
  #token: object = {};
  #chunks: Chunk[] = [];
  #ends: number[] = [];
  #count = 0;

  constructor(chunkMax = CHUNK_MAX) {
    this.#chunkMax = chunkMax;
  }

  /** How many ranges there are. */
  get count(): number {
    return this.#count;
  }

  /** A list of the same ranges, independent from now on. O(chunks). */
  fork(): RangeList {
    const copy = new RangeList(this.#chunkMax);
    copy.#chunks = [...this.#chunks];
    copy.#ends = [...this.#ends];
    copy.#count = this.#count;
    this.#token = {}; // chunks of this list alone are shared now
    return copy;
  }

  /** The sectors belong to the set from now on; ranges that touch become one.
   *  O(log ranges + chunk), plus what it replaces, which was added before. */
  add(first: bigint, last: bigint): void {
    const from = this.#endingFrom(first - 1n);
    const to = this.#beginningFrom(last + 2n);
    const [before, behind] = this.#spanOf(from, to, first, last);
    this.#replace(from, to, [[before < first ? before : first, behind > last ? behind : last]]);
  }

  /** The sectors no longer belong to the set. O(log ranges + chunk), as `add`. */
  remove(first: bigint, last: bigint): void {
    const from = this.#endingFrom(first);
    const to = this.#beginningFrom(last + 1n);
    const [before, behind] = this.#spanOf(from, to, first, last);
    const left: Range[] = [];
    if (before < first) left.push([before, first - 1n]);
    if (behind > last) left.push([last + 1n, behind]);
    this.#replace(from, to, left);
  }

  /** Removes the whole range that holds `sector`. @returns that range, if there is one. */
  removeAt(sector: number): Range | undefined {
    const index = reaching(this.#ends, sector);
    const chunk = this.#chunks[index];
    if (chunk === undefined) return undefined;
    const at = reaching(chunk.lastNumbers, sector);
    if ((chunk.firstNumbers[at] ?? 0) > sector) return undefined;
    const range: Range = [chunk.first(at), chunk.last(at)];
    this.#replace({ chunk: index, at }, { chunk: index, at: at + 1 }, []);
    return range;
  }

  /** The first of `sectors` sectors from `sector` on that belongs to the set, or -1. O(log ranges). */
  firstIn(sector: number, sectors: number): number {
    const chunk = this.#chunks[reaching(this.#ends, sector)];
    if (chunk === undefined) return -1;
    const first = chunk.firstNumbers[reaching(chunk.lastNumbers, sector)] ?? 0;
    if (first >= sector + sectors) return -1;
    return Math.max(first, sector);
  }

  /** The parts of [first, last] outside the set, ascending. The list must not change meanwhile. */
  *gaps(first: bigint, last: bigint): Generator<Range> {
    let next = first;
    for (const [begin, end] of this.#from(this.#endingFrom(first))) {
      if (begin > last) break;
      if (begin > next) yield [next, begin - 1n];
      next = end + 1n;
    }
    if (next <= last) yield [next, last];
  }

  /** Ascending. The list must not change meanwhile: see `fork`. */
  [Symbol.iterator](): Generator<Range> {
    return this.#from({ chunk: 0, at: 0 });
  }

  *#from(place: Place): Generator<Range> {
    let at = place.at;
    for (let index = place.chunk; index < this.#chunks.length; index++, at = 0) {
      const chunk = this.#chunks[index] ?? bug('a hole in a list of chunks');
      for (; at < chunk.length; at++) yield [chunk.first(at), chunk.last(at)];
    }
  }

  /** The first range that ends at or behind `sector`. */
  #endingFrom(sector: bigint): Place {
    if (sector > EXACT) {
      const index = lowest(this.#chunks, (one) => one.last(one.length - 1) >= sector);
      const lasts = this.#chunks[index]?.lasts ?? [];
      return { chunk: index, at: lowest(lasts, (last) => last >= sector) };
    }
    const wanted = Number(sector);
    const chunk = reaching(this.#ends, wanted);
    return { chunk, at: reaching(this.#chunks[chunk]?.lastNumbers ?? [], wanted) };
  }

  /** The first range that begins at or behind `sector`. */
  #beginningFrom(sector: bigint): Place {
    const { chunk } = this.#endingFrom(sector);
    const { length = 0, firsts = [], firstNumbers = [] } = this.#chunks[chunk] ?? {};
    const at =
      sector > EXACT
        ? lowest(firsts, (first) => first >= sector)
        : reaching(firstNumbers, Number(sector));
    // Its last range may hold the sector.
    return at < length ? { chunk, at } : { chunk: Math.min(chunk + 1, this.#chunks.length), at: 0 };
  }

  /** Where the ranges from `from` up to `to` begin and end; `first` and `last` if there are none. */
  #spanOf(from: Place, to: Place, first: bigint, last: bigint): Range {
    if (from.chunk === to.chunk && from.at === to.at) return [first, last];
    const begin = this.#chunks[from.chunk]?.first(from.at) ?? first;
    const inChunk = to.at > 0;
    const chunk = this.#chunks[inChunk ? to.chunk : to.chunk - 1] ?? bug('a range without chunk');
    return [begin, chunk.last((inChunk ? to.at : chunk.length) - 1)];
  }

  #replace(from: Place, to: Place, ranges: readonly Range[]): void {
    if (from.chunk === to.chunk && from.chunk < this.#chunks.length) {
      this.#change(from.chunk, from.at, to.at, ranges);
    } else if (from.chunk === to.chunk) {
      this.#append(ranges);
    } else {
      // From the last to the first: chunks behind a removed one move up.
      if (to.at > 0) this.#change(to.chunk, 0, to.at, []);
      this.#drop(from.chunk + 1, to.chunk);
      const { length } = this.#chunks[from.chunk] ?? bug('a range without chunk');
      this.#change(from.chunk, from.at, length, ranges);
    }
  }

  /** Behind all others. */
  #append(ranges: readonly Range[]): void {
    const last = this.#chunks.length - 1;
    const chunk = this.#chunks[last];
    if (chunk !== undefined) {
      this.#change(last, chunk.length, chunk.length, ranges);
    } else if (ranges.length > 0) {
      this.#insert(0, new Chunk(this.#token, [], []));
      this.#change(0, 0, 0, ranges);
    }
  }

  #change(index: number, from: number, to: number, ranges: readonly Range[]): void {
    if (from === to && ranges.length === 0) return;
    const chunk = this.#own(index);
    chunk.replace(from, to, ranges);
    this.#count += ranges.length - (to - from);
    if (chunk.length === 0) {
      this.#drop(index, index + 1);
      return;
    }
    if (chunk.length > this.#chunkMax) this.#split(index, chunk);
    this.#ends[index] = chunk.lastNumbers[chunk.length - 1] ?? bug('an empty chunk');
  }

  /** The chunk, which no other list shares. */
  #own(index: number): Chunk {
    const chunk = this.#chunks[index] ?? bug(`no chunk ${index}`);
    if (chunk.token === this.#token) return chunk;
    const copy = new Chunk(this.#token, [...chunk.firsts], [...chunk.lasts]);
    this.#chunks[index] = copy;
    return copy;
  }

  #split(index: number, chunk: Chunk): void {
    const half = chunk.length >>> 1;
    const upper = new Chunk(this.#token, chunk.firsts.slice(half), chunk.lasts.slice(half));
    chunk.replace(half, chunk.length, []);
    this.#insert(index + 1, upper);
  }

  #insert(index: number, chunk: Chunk): void {
    this.#chunks.splice(index, 0, chunk);
    this.#ends.splice(index, 0, chunk.lastNumbers[chunk.length - 1] ?? 0);
  }

  /** Removes the chunks from `from` up to `to`, with their ranges. */
  #drop(from: number, to: number): void {
    for (let index = from; index < to; index++) this.#count -= this.#chunks[index]?.length ?? 0;
    this.#chunks.splice(from, to - from);
    this.#ends.splice(from, to - from);
  }
}

function put<T>(list: T[], at: number, gone: number, value: T): void {
  if (gone > 0) list[at] = value;
  else list.splice(at, 0, value);
}

/** The first index of ascending numbers that is not below `sector`, or their length. */
function reaching(numbers: readonly number[], sector: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] ?? 0) < sector) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first index at which `holds`, which is then true for all later ones; or the length. */
function lowest<T>(list: readonly T[], holds: (value: T) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const value = list[middle];
    if (value !== undefined && holds(value)) high = middle;
    else low = middle + 1;
  }
  return low;
}
