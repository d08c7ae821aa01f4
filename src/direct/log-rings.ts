/** Commands that threads have executed, on their way into a device's request log: each thread notes its own in a ring,
 *  which the main thread empties when somebody reads the log, when it is nearly full, and, while the log is followed,
 *  soon. A ring that is full takes no more: what does not fit is left to the main thread, so nothing is lost.
 *  Source: test-api.md section 4. */

import type { NotedElsewhere, TakesExecuted } from '../block/noted-elsewhere.ts';
import { LINE_WORDS } from '../units.ts';

/** What a thread must be given to note commands of a device. */
export interface LogMemory {
  readonly words: SharedArrayBuffer;
  readonly rows: SharedArrayBuffer;
}

/** Of a thread; a power of two. 256 KiB: so many commands take it some 25 ms. */
const ROWS = 8192;
/** With so many the main thread is called: a call costs as much as hundreds of commands. The rest is for those that come
 *  until it is there. */
const CALLS_AT = ROWS * 0.75;
/** Numbers of a row. */
const FIELDS = 4;
/** Commands of one batch stand behind a row of this. */
const Batch = { ARRIVED: 0, ANSWERED: 1, COUNT: 2, FIRST: 3 } as const;
const Row = { OFFSET: 0, BYTES: 1, WHAT: 2, CLIENT: 3 } as const;

/** Of 32 bits: rows that were ever written, and those that were taken out. Each in a line of its own. */
const Word = {
  /** 1: whoever follows the log waits. */
  FOLLOWED: 0,
  headOf: (thread: number): number => (2 * thread + 1) * LINE_WORDS,
  tailOf: (thread: number): number => (2 * thread + 2) * LINE_WORDS,
  bytesFor: (threads: number): number => 4 * (2 * threads + 1) * LINE_WORDS,
} as const;

function rowsOf(memory: LogMemory, thread: number): Float64Array {
  return new Float64Array(memory.rows, 8 * ROWS * FIELDS * thread, ROWS * FIELDS);
}

/** Where the row at a position begins. */
function placeOf(position: number): number {
  return (position & (ROWS - 1)) * FIELDS;
}

/** A thread's ring, as that thread sees it. */
export class ThreadLog {
  readonly #words: Int32Array;
  readonly #rows: Float64Array;
  readonly #headAt: number;
  readonly #tailAt: number;
  readonly #signal: () => void;
  #head: number;
  /** How many rows were free when the ring was looked at; those of this batch count as free. */
  #free = 0;
  #arrived = 0;
  #count = 0;

  /** @param signal tells the main thread that it should look. */
  constructor(memory: LogMemory, thread: number, signal: () => void) {
    this.#words = new Int32Array(memory.words);
    this.#rows = rowsOf(memory, thread);
    this.#headAt = Word.headOf(thread);
    this.#tailAt = Word.tailOf(thread);
    this.#signal = signal;
    this.#head = Atomics.load(this.#words, this.#headAt);
  }

  /** Commands have come. @param arrived ns of the system's clock. */
  begin(arrived: number): void {
    this.#arrived = arrived;
  }

  /** Whether one more command can be noted. Room comes, it never goes. */
  hasRoom(): boolean {
    const needed = this.#count + 2;
    if (needed <= this.#free) return true;
    this.#free = ROWS - this.#used();
    return needed <= this.#free;
  }

  /** A command was executed; there is room. @param what `whatOf` it. @param client as rules count them. */
  note(what: number, offset: number, bytes: number, client: number): void {
    const rows = this.#rows;
    const at = placeOf(this.#head + ++this.#count);
    rows[at + Row.OFFSET] = offset;
    rows[at + Row.BYTES] = bytes;
    rows[at + Row.WHAT] = what;
    rows[at + Row.CLIENT] = client;
  }

  /** The commands that were noted get their replies now. They are in the log for everybody who has seen one of these. */
  publish(answered: number): void {
    const count = this.#count;
    if (count === 0) return;
    const rows = this.#rows;
    const at = placeOf(this.#head);
    rows[at + Batch.ARRIVED] = this.#arrived;
    rows[at + Batch.ANSWERED] = answered;
    rows[at + Batch.COUNT] = count;
    this.#head = (this.#head + count + 1) | 0;
    this.#free -= count + 1;
    this.#count = 0;
    Atomics.store(this.#words, this.#headAt, this.#head);
    const isWanted = Atomics.load(this.#words, Word.FOLLOWED) !== 0;
    if (isWanted || (this.#free < ROWS - CALLS_AT && this.#used() > CALLS_AT)) this.#signal();
  }

  #used(): number {
    return (this.#head - Atomics.load(this.#words, this.#tailAt)) >>> 0;
  }
}

/** All threads' rings, as the main thread sees them. */
export class LogRings implements NotedElsewhere {
  readonly memory: LogMemory;
  /** A thread has called us. */
  onNews: () => void = () => {};
  readonly #words: Int32Array;
  readonly #rows: readonly Float64Array[];
  /** How far each ring is emptied in this round, and how far it goes. */
  readonly #at: Int32Array;
  readonly #end: Int32Array;

  /** @throws RangeError when there is no memory. */
  constructor(threads: number) {
    const bytes = 8 * ROWS * FIELDS * threads;
    this.memory = {
      words: new SharedArrayBuffer(Word.bytesFor(threads)),
      // Growable, although it never grows: V8 then maps it itself, where malloc would keep what is freed.
      rows: new SharedArrayBuffer(bytes, { maxByteLength: bytes }),
    };
    this.#words = new Int32Array(this.memory.words);
    this.#rows = Array.from({ length: threads }, (_, thread) => rowsOf(this.memory, thread));
    this.#at = new Int32Array(threads);
    this.#end = new Int32Array(threads);
  }

  follow(isFollowed: boolean): void {
    Atomics.store(this.#words, Word.FOLLOWED, isFollowed ? 1 : 0);
  }

  /** What came after `now` may be the answer to what another ring got after we looked: it stays for the next time. */
  collect(log: TakesExecuted, now: number): void {
    if (!this.#look(now)) return;
    for (let ring = this.#first(Batch.ARRIVED); ring >= 0; ring = this.#first(Batch.ARRIVED)) {
      this.#number(ring, log);
    }
    for (let ring = 0; ring < this.#rows.length; ring++) this.#at[ring] = this.#tail(ring);
    for (let ring = this.#first(Batch.ANSWERED); ring >= 0; ring = this.#first(Batch.ANSWERED)) {
      this.#endAll(ring, log);
    }
    this.#give();
  }

  skip(): void {
    for (let ring = 0; ring < this.#rows.length; ring++) {
      this.#end[ring] = Atomics.load(this.#words, Word.headOf(ring));
    }
    this.#give();
  }

  /** Sets `#at` and `#end` of each ring. @returns whether there is anything. */
  #look(now: number): boolean {
    let any = false;
    for (let ring = 0; ring < this.#rows.length; ring++) {
      const tail = this.#tail(ring);
      let end = Atomics.load(this.#words, Word.headOf(ring));
      const rows = this.#rows[ring];
      if (rows !== undefined && end !== tail) end = endBefore(rows, tail, end, now);
      this.#at[ring] = tail;
      this.#end[ring] = end;
      any ||= end !== tail;
    }
    return any;
  }

  /** The ring whose next batch has the smallest time. -1: nothing is left. */
  #first(field: number): number {
    let first = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let ring = 0; ring < this.#rows.length; ring++) {
      const at = this.#at[ring] ?? 0;
      if (at === this.#end[ring]) continue;
      const time = this.#rows[ring]?.[placeOf(at) + field] ?? 0;
      if (first >= 0 && time >= least) continue;
      first = ring;
      least = time;
    }
    return first;
  }

  /** The commands of a batch get their numbers. */
  #number(ring: number, log: TakesExecuted): void {
    const rows = this.#rows[ring] ?? new Float64Array(0);
    const at = this.#at[ring] ?? 0;
    const batch = placeOf(at);
    const count = rows[batch + Batch.COUNT] ?? 0;
    const arrived = rows[batch + Batch.ARRIVED] ?? 0;
    const answered = rows[batch + Batch.ANSWERED] ?? 0;
    rows[batch + Batch.FIRST] = log.last + 1;
    for (let n = 1; n <= count; n++) {
      const row = placeOf(at + n);
      const offset = rows[row + Row.OFFSET] ?? 0;
      const bytes = rows[row + Row.BYTES] ?? 0;
      const client = rows[row + Row.CLIENT] ?? 0;
      log.executed(arrived, answered, rows[row + Row.WHAT] ?? 0, offset, bytes, client);
    }
    this.#at[ring] = (at + count + 1) | 0;
  }

  #endAll(ring: number, log: TakesExecuted): void {
    const rows = this.#rows[ring] ?? new Float64Array(0);
    const at = this.#at[ring] ?? 0;
    const batch = placeOf(at);
    const count = rows[batch + Batch.COUNT] ?? 0;
    const first = rows[batch + Batch.FIRST] ?? 0;
    log.endedElsewhere(first, count);
    this.#at[ring] = (at + count + 1) | 0;
  }

  /** What was taken out is free. */
  #give(): void {
    for (let ring = 0; ring < this.#rows.length; ring++) {
      Atomics.store(this.#words, Word.tailOf(ring), this.#end[ring] ?? 0);
    }
  }

  #tail(ring: number): number {
    return Atomics.load(this.#words, Word.tailOf(ring));
  }
}

/** @returns the end of the last batch in [tail, head) that came before `now`. */
function endBefore(rows: Float64Array, tail: number, head: number, now: number): number {
  let at = tail;
  while (at !== head) {
    const batch = placeOf(at);
    if ((rows[batch + Batch.ARRIVED] ?? 0) >= now) break;
    at = (at + (rows[batch + Batch.COUNT] ?? 0) + 1) | 0;
  }
  return at;
}
