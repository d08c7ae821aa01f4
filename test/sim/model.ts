/** What a device's data may be, with any number of writes under way. Data is written in cells, each filled
 *  with one word that says which write it was and where; a cell that is read must hold a write that no
 *  other one has surely replaced before the read began. Knows no protocol.
 *
 *  A cell above the size of a sector is of sectors that are checked each for itself, since a write of it may
 *  be seen in part.
 *
 *  Time is a count of what clients have sent and received. For each cell `lower` is the latest beginning
 *  of a write that is known to be done: what ended before that is gone. So a read that began when `lower`
 *  was L may show a write that is under way or ended at L or later, and nothing else. */

import { Found } from './failure.ts';

/** Not ended yet. */
const OPEN = 0x7fffffff;
const ONES = 0xffffffff;
/** Data has 1 in its low two bits, so that it is neither zeros nor ones; the rest says what it is. */
const MARK = 1;
/** An odd number, and what undoes a multiplication by it modulo a power of two. */
const FACTOR = 0x9e3779b1;
const INVERSE = inverse(FACTOR);
const UNIT_FACTOR = 0x85ebca6b;
const SECTOR_BYTES = 512;
const VERSION_MASK = 2 ** 30 - 1;
const VERSIONS_FIRST = 1024;

function inverse(odd: number): number {
  let found = odd;
  for (let round = 0; round < 5; round++) found = Math.imul(found, 2 - Math.imul(odd, found));
  return found >>> 0;
}

/** Cells that a write without data makes all of one kind. */
class Constant {
  /** The latest end of one, for each cell. */
  readonly ends: Int32Array;
  /** How many are under way. */
  readonly open: Uint16Array;

  constructor(cells: number) {
    this.ends = new Int32Array(cells);
    this.open = new Uint16Array(cells);
  }

  end(cell: number): number {
    return (this.open[cell] ?? 0) > 0 ? OPEN : (this.ends[cell] ?? 0);
  }

  /** Of each cell, with those that are under way. */
  endsBy(now: number): Int32Array {
    return this.ends.map((_, cell) => Math.min(this.end(cell), now));
  }

  /** As `held`, but what was under way at tick `begun` may have been done after that. */
  rolledBack(held: Int32Array, begun: number): void {
    const { ends } = this;
    for (const [cell, at] of held.entries()) if ((ends[cell] ?? 0) < begun) ends[cell] = at;
  }
}

export type ConstantKind = 'zeros' | 'ones';

/** Cells [first, end) of one kind. */
interface Made {
  readonly kind: ConstantKind;
  readonly first: number;
  readonly end: number;
}

/** What a device may have held at a moment between two ticks, as a snapshot of it does. */
export interface Held {
  /** The second of these ticks. */
  until: number;
  /** As `lower` and `durable` were at the first. */
  readonly lower: Int32Array;
  readonly durable: Int32Array;
  /** The latest that a cell became zeros until then, and ones. */
  zeros: Int32Array;
  ones: Int32Array;
  /** The versions that there were, and which of them had been undone. */
  versions: number;
  undone: Uint8Array;
}

export class DiskModel {
  readonly cells: number;
  readonly cellBytes: number;
  /** False: writes vanish and reads give zeros. */
  readonly keeps: boolean;
  /** Counts what was sent and received. */
  tick = 1;
  /** See above. */
  readonly lower: Int32Array;
  /** The same for what survives when the cache is lost. */
  readonly durable: Int32Array;
  /** As `lower` and `durable` where a journal says what is left (crash.md section 3): what was answered counts alone,
   *  discards do not, nor what others read. */
  readonly promised: Int32Array;
  readonly sworn: Int32Array;
  /** What is filled with one word. */
  readonly #unitBytes: number;
  readonly #unitsPerCell: number;
  readonly #salt: number;
  readonly #zeros: Constant;
  /** Undefined: nothing ever reads as ones. */
  readonly #ones: Constant | undefined;
  /** Of each version, from 1 on. */
  #versions = 0;
  #begins = new Int32Array(VERSIONS_FIRST);
  #ends = new Int32Array(VERSIONS_FIRST);
  #firsts = new Int32Array(VERSIONS_FIRST);
  #lasts = new Int32Array(VERSIONS_FIRST);
  /** 1: what it wrote was taken back by a rollback. */
  #undone = new Uint8Array(VERSIONS_FIRST);
  /** Since the journal began: writes that will not be answered any more, and ranges of cells made of one kind. */
  #unansweredWrites: number[] = [];
  #unansweredConstants: Made[] = [];

  constructor(cells: number, cellBytes: number, keeps: boolean, salt: number, ones: boolean) {
    this.cells = cells;
    this.cellBytes = cellBytes;
    this.keeps = keeps;
    this.#unitBytes = Math.min(cellBytes, SECTOR_BYTES);
    this.#unitsPerCell = cellBytes / this.#unitBytes;
    this.#salt = salt | 0;
    this.lower = new Int32Array(cells);
    this.durable = new Int32Array(cells);
    this.promised = new Int32Array(cells);
    this.sworn = new Int32Array(cells);
    this.#zeros = new Constant(cells);
    this.#ones = ones ? new Constant(cells) : undefined;
  }

  /** A write of the cells [first, end) is about to be sent. @returns its version. */
  begin(first: number, end: number): number {
    const version = ++this.#versions;
    if (version >= this.#begins.length) this.#grow();
    this.#begins[version] = this.tick++;
    this.#ends[version] = OPEN;
    this.#firsts[version] = first;
    this.#lasts[version] = end - 1;
    return version;
  }

  /** Fills `words` from `at` with the data of the cells [first, end) of a write. */
  fill(words: Uint32Array, at: number, version: number, first: number, end: number): void {
    const perUnit = this.#unitBytes / 4;
    const base = Math.imul(version, FACTOR) ^ this.#salt;
    const last = end * this.#unitsPerCell;
    let from = at;
    for (let unit = first * this.#unitsPerCell; unit < last; unit++, from += perUnit) {
      const word = ((base ^ Math.imul(unit + 1, UNIT_FACTOR)) << 2) | MARK;
      if (perUnit === 1) words[from] = word;
      else words.fill(word, from, from + perUnit);
    }
  }

  /** The write `version` has ended. @param done false: it failed, and may have been done in part. */
  ended(version: number, done: boolean, durable: boolean): void {
    this.#ends[version] = this.tick++;
    if (!done) return;
    const [first, end] = [this.#firsts[version] ?? 0, (this.#lasts[version] ?? 0) + 1];
    this.#raise(first, end, this.#begins[version] ?? 0, durable);
  }

  /** All of [first, end) is about to be made zeros or ones. @returns when it began. */
  beginConstant(kind: ConstantKind, first: number, end: number): number {
    const { open } = this.#constant(kind);
    for (let cell = first; cell < end; cell++) open[cell] = (open[cell] ?? 0) + 1;
    return this.tick++;
  }

  endedConstant(
    kind: ConstantKind,
    first: number,
    end: number,
    begun: number,
    done: boolean,
    durable: boolean,
  ): void {
    const constant = this.#constant(kind);
    const now = this.tick++;
    for (let cell = first; cell < end; cell++) {
      constant.open[cell] = (constant.open[cell] ?? 1) - 1;
      constant.ends[cell] = now;
    }
    if (done) this.#raise(first, end, begun, durable);
  }

  /** A flush that was sent when `lower` was `then` is done. */
  flushed(then: Int32Array): void {
    for (let cell = 0; cell < this.cells; cell++) {
      const at = then[cell] ?? 0;
      if (at > (this.durable[cell] ?? 0)) this.durable[cell] = at;
    }
  }

  /** A write, or one of zeroes, that began at `begun` was answered. @param fua it is durable at once. */
  promise(first: number, end: number, begun: number, fua: boolean): void {
    const { promised, sworn } = this;
    for (let cell = first; cell < end; cell++) {
      if (begun > (promised[cell] ?? 0)) promised[cell] = begun;
      if (fua && begun > (sworn[cell] ?? 0)) sworn[cell] = begun;
    }
  }

  /** A flush that was sent when `promised` was `then` was answered. */
  swear(then: Int32Array): void {
    for (const [cell, at] of then.entries()) {
      if (cell < this.cells && at > (this.sworn[cell] ?? 0)) this.sworn[cell] = at;
    }
  }

  /** Nobody will say that the write `version` is done: by a journal it may be done at any time. */
  unanswered(version: number): void {
    this.#unansweredWrites.push(version);
  }

  unansweredConstant(kind: ConstantKind, first: number, end: number): void {
    this.#unansweredConstants.push({ kind, first, end });
  }

  /** A journal begins: what is there now is its base. */
  journalBegins(): void {
    this.tick++;
    this.#unansweredWrites = [];
    this.#unansweredConstants = [];
    this.promised.set(this.lower);
    this.sworn.set(this.lower);
  }

  /** A cut has left an image that the journal allows. */
  cutByJournal(): void {
    const now = this.tick++;
    for (const version of this.#unansweredWrites) this.#ends[version] = now;
    for (const { kind, first, end } of this.#unansweredConstants) {
      this.#constant(kind).ends.fill(now, first, end);
    }
    this.lower.set(this.sworn);
    this.durable.set(this.sworn);
  }

  beginOf(version: number): number {
    return this.#begins[version] ?? 0;
  }

  /** What was in the cache is gone. */
  lost(): void {
    this.tick++;
    this.lower.set(this.durable);
  }

  /** All is zeros: the device was removed, and another one was made. */
  wiped(): void {
    const now = this.tick++;
    this.#zeros.ends.fill(now);
    this.lower.fill(now);
    this.durable.fill(now);
  }

  /** Somebody is about to keep what the device holds; `kept` must follow when that is done. */
  keep(): Held {
    const [lower, durable] = [this.lower.slice(), this.durable.slice()];
    const undone = new Uint8Array(0);
    return { until: 0, lower, durable, zeros: lower, ones: lower, versions: 0, undone };
  }

  kept(held: Held): void {
    const now = this.tick++;
    held.until = now;
    held.zeros = this.#zeros.endsBy(now);
    held.ones = this.#ones?.endsBy(now) ?? held.zeros;
    held.versions = this.#versions;
    held.undone = this.#undone.slice(0, this.#versions + 1);
  }

  /** The device holds again what was kept. What was under way at tick `begun` may have been done before or after. */
  rolledBack(held: Held, begun: number): void {
    this.tick++;
    for (let version = 1; version <= this.#versions; version++) {
      const old = version <= held.versions;
      const over = (this.#ends[version] ?? OPEN) < begun;
      this.#undone[version] = old ? (held.undone[version] ?? 0) : over ? 1 : 0;
    }
    this.#zeros.rolledBack(held.zeros, begun);
    this.#ones?.rolledBack(held.ones, begun);
    this.lower.set(held.lower);
    this.durable.set(held.durable);
  }

  /** Checks that the first `cells` in `words` are what was kept. They are data as they are stored: where clients read
   *  ones, behind a write pointer, there may be zeros. @throws Found. */
  checkHeld(words: Uint32Array, held: Held, cells: number): void {
    const perUnit = this.#unitBytes / 4;
    for (let unit = 0; unit < cells * this.#unitsPerCell; unit++) {
      const cell = Math.floor(unit / this.#unitsPerCell);
      const since = held.lower[cell] ?? 0;
      const word = words[unit * perUnit] ?? 0;
      for (let n = 1; n < perUnit; n++) {
        if (words[unit * perUnit + n] !== word) throw this.#torn(words, unit * perUnit, unit);
      }
      const isZeros = Math.max(held.zeros[cell] ?? 0, held.ones[cell] ?? 0) >= since;
      if (word === 0 ? isZeros || !this.keeps : this.#isHeld(word, unit, cell, held)) continue;
      throw new Found(
        'data',
        `cell ${cell} of a snapshot: ${this.#describe(word, unit)}, kept until ${held.until}`,
      );
    }
  }

  #isHeld(word: number, unit: number, cell: number, held: Held): boolean {
    const version = this.#versionOf(word, unit);
    if (version < 1 || version > held.versions || !this.#covers(version, cell)) return false;
    return (this.#ends[version] ?? 0) >= (held.lower[cell] ?? 0) && held.undone[version] !== 1;
  }

  /** May `cell` have been zeros since `lower` was `since`? */
  mayBeZeros(cell: number, since: number): boolean {
    return !this.keeps || this.#zeros.end(cell) >= since;
  }

  /** Checks whole cells [first, end) at words[at ...].
   *  @param then `lower` of these cells when the read was sent, from index `thenAt` on.
   *  @param learn what was read is still there: nothing was lost since.
   *  @throws Found. */
  check(
    words: Uint32Array,
    at: number,
    first: number,
    end: number,
    then: Int32Array,
    thenAt: number,
    learn: boolean,
  ): void {
    const perCell = this.#unitsPerCell;
    const perUnit = this.#unitBytes / 4;
    let from = at;
    for (let unit = first * perCell; unit < end * perCell; unit++, from += perUnit) {
      const word = words[from] ?? 0;
      for (let n = from + 1; n < from + perUnit; n++) {
        if (words[n] !== word) throw this.#torn(words, from, unit);
      }
      const cell = perCell === 1 ? unit : Math.floor(unit / perCell);
      this.#checkWord(word, unit, cell, then[thenAt + cell - first] ?? 0, learn && perCell === 1);
    }
  }

  /** As `check` does it for all words that are the same. */
  checkZeros(first: number, end: number, then: Int32Array, thenAt: number): void {
    for (let cell = first; cell < end; cell++) {
      this.#checkWord(0, 0, cell, then[thenAt + cell - first] ?? 0, false);
    }
  }

  #checkWord(word: number, unit: number, cell: number, since: number, learn: boolean): void {
    if (word === 0) {
      if (this.mayBeZeros(cell, since)) return;
      throw new Found('data', `cell ${cell}: zeros, but written since (${this.#expected(cell)})`);
    }
    if (!this.keeps) throw new Found('data', `cell ${cell}: data of a device that keeps none`);
    if (word === ONES && this.#ones !== undefined) {
      if (this.#ones.end(cell) >= since) return;
      throw new Found('data', `cell ${cell}: ones, but written since (${this.#expected(cell)})`);
    }
    const version = this.#versionOf(word, unit);
    const covers = version > 0 && version <= this.#versions && this.#covers(version, cell);
    if (!covers) {
      throw new Found('data', `cell ${cell}: 0x${word.toString(16)}, which nobody wrote there`);
    }
    if (this.#undone[version] === 1) {
      throw new Found('data', `cell ${cell}: of write ${version}, which a rollback took back`);
    }
    if ((this.#ends[version] ?? 0) < since) {
      const ends = this.#ends[version];
      throw new Found(
        'data',
        `cell ${cell}: stale, of write ${version}, over at ${ends} (${this.#expected(cell)})`,
      );
    }
    if (!learn) return;
    // It has been done, so whatever ended before it began is gone.
    const begun = this.#begins[version] ?? 0;
    if (begun > (this.lower[cell] ?? 0)) this.lower[cell] = begun;
  }

  #versionOf(word: number, unit: number): number {
    if ((word & 3) !== MARK) return 0;
    const mixed = (word >>> 2) ^ Math.imul(unit + 1, UNIT_FACTOR) ^ this.#salt;
    return Math.imul(mixed, INVERSE) & VERSION_MASK;
  }

  #covers(version: number, cell: number): boolean {
    return cell >= (this.#firsts[version] ?? OPEN) && cell <= (this.#lasts[version] ?? -1);
  }

  #torn(words: Uint32Array, from: number, unit: number): Found {
    const values = new Set(words.subarray(from, from + this.#unitBytes / 4));
    const all = [...values].slice(0, 8).map((word) => this.#describe(word, unit));
    return new Found('data', `cell ${unit / this.#unitsPerCell}: torn: ${all.join(', ')}`);
  }

  #describe(word: number, unit: number): string {
    if (word === 0) return 'zeros';
    const version = this.#versionOf(word, unit);
    const known = version > 0 && version <= this.#versions;
    return known ? `write ${version}` : `0x${word.toString(16)}`;
  }

  #expected(cell: number): string {
    return `writes that end from ${this.lower[cell]} on, and now is ${this.tick}`;
  }

  #constant(kind: ConstantKind): Constant {
    const constant = kind === 'zeros' ? this.#zeros : this.#ones;
    if (constant === undefined) throw new Error('a model without ones');
    return constant;
  }

  #raise(first: number, end: number, begun: number, durable: boolean): void {
    const { lower } = this;
    for (let cell = first; cell < end; cell++) {
      if (begun > (lower[cell] ?? 0)) lower[cell] = begun;
      if (durable && begun > (this.durable[cell] ?? 0)) this.durable[cell] = begun;
    }
  }

  #grow(): void {
    const longer = (of: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> => {
      const grown = new Int32Array(of.length * 2);
      grown.set(of);
      return grown;
    };
    this.#begins = longer(this.#begins);
    this.#ends = longer(this.#ends);
    this.#firsts = longer(this.#firsts);
    this.#lasts = longer(this.#lasts);
    const undone = new Uint8Array(this.#begins.length);
    undone.set(this.#undone);
    this.#undone = undone;
  }
}
