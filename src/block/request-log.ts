/** The last commands of a device, each with when it came, when it was answered and how. Commands are noted in rows of
 *  numbers: nothing is allocated for one. Knows no device and no client. Source: test-api.md section 4. */

import { orNone } from '../pages/memory.ts';
import type { Clock } from '../time/clock.ts';
import type { Deferred, DeferredWork } from '../time/deferred.ts';
import { SECTOR_BYTES } from '../units.ts';
import {
  flagTexts,
  type LoggedCommand,
  type LoggedOperation,
  operationText,
  statusText,
  whatOf,
} from './logged-command.ts';
import type { NotedElsewhere, TakesExecuted } from './noted-elsewhere.ts';

/** The fields of a row: 64 bytes, which is a line of the processor's cache. */
const Field = {
  ARRIVED: 0,
  ANSWERED: 1,
  OFFSET: 2,
  BYTES: 3,
  CLIENT: 4,
  /** The operation and the flags: see `whatOf`. */
  WHAT: 5,
  /** The errno; -1: no reply. */
  STATUS: 6,
  /** The number of its end, from 1 on; 0: it has not ended. */
  ENDED: 7,
} as const;
const FIELDS = 8;
const NO_REPLY = -1;

/** Rows of a piece of the ring. */
const PIECE = 1024;
const PIECE_NUMBERS = PIECE * FIELDS;

interface Context {
  readonly clock: Clock;
  readonly deferred: Deferred;
}

/** INVARIANT: row `seq` lies in piece floor((seq - 1) / PIECE), which stands in the ring at its number modulo the
 *  ring's length. The ring is one piece longer than its rows need, so a piece is used again only when no kept row lies
 *  in it. */
export class RequestLog implements DeferredWork, TakesExecuted {
  /** Since the first command of this turn; what ends until the turn's end gets one time. */
  raised = false;
  readonly #context: Context;
  /** ns of the clock. */
  #poweredAt: number;
  #most = 0;
  #ring: (Float64Array | undefined)[] = [];
  #last = 0;
  /** Rows up to this one are not there, for other reasons than that the ring is full. */
  #floor = 0;
  /** Rows up to this one were before the log was switched on. */
  #before = 0;
  /** ns since power on, of this turn. */
  #now = 0;
  /** How many commands have ended. */
  #ended = 0;
  /** Those of this turn: the first `#fresh` of the list. */
  readonly #endedNow: number[] = [];
  #fresh = 0;
  /** By the number of the end: which command that was. Kept while somebody listens. */
  #order = new Float64Array(0);
  readonly #listeners = new Set<() => void>();
  #isCut = false;
  #elsewhere: NotedElsewhere | undefined;
  /** The piece of the last command; undefined: it is to be looked up. */
  #rows: Float64Array | undefined;

  constructor(context: Context) {
    this.#context = context;
    this.#poweredAt = context.clock.now();
  }

  /** Bytes that a log of so many commands takes. */
  static bytes(entries: number): number {
    if (entries === 0) return 0;
    return (pieces(entries) * PIECE_NUMBERS + entries) * Float64Array.BYTES_PER_ELEMENT;
  }

  /** How many commands it keeps; 0: none. */
  get most(): number {
    return this.#most;
  }

  /** The number of the last command; 0: there was none. */
  get last(): number {
    return this.#last;
  }

  /** The number of the oldest command that is kept; above `last`: none is. */
  get first(): number {
    return Math.max(this.#last - this.#most, this.#floor) + 1;
  }

  /** The number of the last command that came before the log was switched on. */
  get before(): number {
    return this.#before;
  }

  /** How many commands have ended: answered, or known never to be. */
  get ended(): number {
    this.#settle();
    return this.#ended;
  }

  /** From now on others execute commands, too. Those before must be out. @param elsewhere undefined: nobody else. */
  attach(elsewhere: NotedElsewhere | undefined): void {
    this.collect();
    if (this.#elsewhere === elsewhere) return;
    this.#elsewhere?.follow(false);
    this.#elsewhere = elsewhere;
    if (elsewhere === undefined) return;
    elsewhere.onNews = () => this.collect();
    elsewhere.follow(this.#listeners.size > 0);
  }

  /** What others have executed is here from now on: before somebody looks, and before a command comes that may be
   *  the answer to it. */
  collect(): void {
    const elsewhere = this.#elsewhere;
    if (elsewhere === undefined) return;
    if (this.#most === 0) return elsewhere.skip();
    this.#settle();
    const before = this.#ended;
    elsewhere.collect(this, this.#context.clock.now());
    if (this.#ended > before) for (const listener of this.#listeners) listener();
  }

  /** Times count from now on. */
  powerOn(): void {
    this.#settle();
    this.#poweredAt = this.#context.clock.now();
    this.#isCut = false;
  }

  /** The power is cut: nobody is answered any more, nor was anybody in this turn. */
  cut(): void {
    this.#isCut = true;
    for (let at = 0; at < this.#fresh; at++)
      this.#set(this.#endedNow[at] ?? 0, Field.STATUS, NO_REPLY);
    this.collect();
  }

  /** Keeps so many from now on: the last ones stay. 0: it forgets all. */
  resize(most: number): void {
    this.collect();
    this.#settle();
    if (most === this.#most) return;
    if (this.#most === 0) this.#floor = this.#before = this.#last;
    const old = this.#ring;
    const first = Math.max(this.first, this.#last - most + 1);
    this.#floor = Math.max(this.#floor, Math.min(first - 1, this.#last));
    const ring: typeof old = Array.from({ length: pieces(most) }, () => undefined);
    for (let piece = pieceOf(first); most > 0 && piece <= pieceOf(this.#last); piece++) {
      if (first <= this.#last) ring[piece % ring.length] = old[piece % old.length];
    }
    this.#ring = ring;
    this.#rows = undefined;
    this.#most = most;
    this.#makeOrder();
  }

  /** A command has come. @param offset with `bytes` the client's range. @param client as rules count them.
   *  @returns its number. */
  arrived(
    operation: LoggedOperation,
    flags: number,
    offset: number,
    bytes: number,
    client: number,
  ): number {
    if (!this.raised) this.#begin();
    const row = this.#newRow(whatOf(operation, flags), offset, bytes, client);
    const rows = this.#rows;
    if (row < 0 || rows === undefined) return this.#missed();
    rows[row + Field.ARRIVED] = this.#now;
    rows[row + Field.ANSWERED] = 0;
    rows[row + Field.STATUS] = NO_REPLY;
    return this.#last;
  }

  executed(
    arrived: number,
    answered: number,
    what: number,
    offset: number,
    bytes: number,
    client: number,
  ): void {
    const row = this.#newRow(what, offset, bytes, client);
    const rows = this.#rows;
    if (row < 0 || rows === undefined) return void this.#missed();
    rows[row + Field.ARRIVED] = Math.round(arrived - this.#poweredAt);
    rows[row + Field.ANSWERED] = Math.round(answered - this.#poweredAt);
    rows[row + Field.STATUS] = 0;
  }

  endedElsewhere(first: number, count: number): void {
    const end = first + count;
    const ended = this.#ended + 1 - first;
    this.#ended += count;
    for (let seq = Math.max(first, this.first); seq < end; ) {
      const rows = this.#rowsOf(seq);
      const upTo = Math.min(end, (pieceOf(seq) + 1) * PIECE + 1);
      let row = ((seq - 1) % PIECE) * FIELDS + Field.ENDED;
      for (; rows !== undefined && seq < upTo; seq++, row += FIELDS) rows[row] = ended + seq;
      seq = upTo;
    }
    const order = this.#order;
    if (order.length === 0) return;
    for (let seq = first; seq < end; seq++) order[(ended + seq - 1) % order.length] = seq;
  }

  /** Command `seq` has its reply. @param errno 0: success. */
  answered(seq: number, errno: number): void {
    this.#end(seq, this.#isCut ? NO_REPLY : errno);
  }

  /** Command `seq` never gets a reply. */
  gone(seq: number): void {
    this.#end(seq, NO_REPLY);
  }

  /** @returns undefined: it is not kept. */
  entry(seq: number): LoggedCommand | undefined {
    this.#settle();
    const rows = this.#rowsOf(seq);
    if (rows === undefined) return undefined;
    const row = ((seq - 1) % PIECE) * FIELDS;
    const field = (one: number): number => rows[row + one] ?? 0;
    const [arrived, offset, bytes] = [field(0), field(Field.OFFSET), field(Field.BYTES)];
    const errno = field(Field.STATUS);
    const isAnswered = errno !== NO_REPLY;
    const answered = field(Field.ANSWERED);
    const sector = Math.floor(offset / SECTOR_BYTES);
    const what = field(Field.WHAT);
    return {
      seq,
      arrived,
      answered: isAnswered ? answered : null,
      ns: isAnswered ? answered - arrived : null,
      op: operationText(what),
      sector,
      sectors: bytes === 0 ? 0 : Math.ceil((offset + bytes) / SECTOR_BYTES) - sector,
      offset,
      bytes,
      flags: flagTexts(what),
      client: field(Field.CLIENT),
      status: isAnswered ? statusText(errno) : null,
    };
  }

  /** The number of the end of command `seq`; 0: it has not ended, or is not kept. */
  endOf(seq: number): number {
    return this.#rowsOf(seq)?.[((seq - 1) % PIECE) * FIELDS + Field.ENDED] ?? 0;
  }

  /** The command whose end had this number, for those that listen. */
  endedAs(end: number): number {
    return this.#order.length === 0 ? 0 : (this.#order[(end - 1) % this.#order.length] ?? 0);
  }

  /** Of how many ends `endedAs` knows the command. */
  get endsKept(): number {
    return this.#order.length;
  }

  /** Calls `listener` when commands have ended, at the end of a turn. @returns what ends that. */
  listen(listener: () => void): () => void {
    this.#settle();
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#makeOrder();
    this.#elsewhere?.follow(true);
    // What had ended before they knew brings no news.
    this.collect();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#order = new Float64Array(0);
      this.#elsewhere?.follow(false);
    };
  }

  /** The end of a turn. */
  runDeferred(): void {
    this.#settle();
  }

  #begin(): void {
    this.collect();
    this.#now = this.#time();
    this.#context.deferred.raise(this);
  }

  #time(): number {
    return Math.round(this.#context.clock.now() - this.#poweredAt);
  }

  #end(seq: number, errno: number): void {
    // The log was off when it came.
    if (seq <= this.#before || this.#most === 0) return;
    if (!this.raised) this.#begin();
    this.#ended++;
    const rows = this.#rowsOf(seq);
    if (rows !== undefined) {
      const row = ((seq - 1) % PIECE) * FIELDS;
      rows[row + Field.STATUS] = errno;
      rows[row + Field.ENDED] = this.#ended;
    }
    // Who listens is told also that one ended which is not kept any more.
    this.#endedNow[this.#fresh++] = seq;
  }

  /** What has ended in this turn gets its time, and is told. */
  #settle(): void {
    const count = this.#fresh;
    if (count === 0) return;
    this.#fresh = 0;
    const now = this.#time();
    const order = this.#order;
    for (let at = 0; at < count; at++) {
      const seq = this.#endedNow[at] ?? 0;
      this.#set(seq, Field.ANSWERED, now);
      if (order.length > 0) order[(this.#ended - count + at) % order.length] = seq;
    }
    for (const listener of this.#listeners) listener();
  }

  #set(seq: number, field: number, value: number): void {
    const rows = this.#rowsOf(seq);
    if (rows !== undefined) rows[((seq - 1) % PIECE) * FIELDS + field] = value;
  }

  #rowsOf(seq: number): Float64Array | undefined {
    const kept = seq >= this.first && seq <= this.#last && seq > 0;
    return kept ? this.#ring[pieceOf(seq) % this.#ring.length] : undefined;
  }

  /** For the next command, which has not ended. @returns where it begins in `#rows`; -1: there is no memory for it. */
  #newRow(what: number, offset: number, bytes: number, client: number): number {
    const at = this.#last % PIECE;
    const seq = ++this.#last;
    if (at === 0 || this.#rows === undefined) {
      this.#rows = this.#ring[pieceOf(seq) % this.#ring.length] ?? this.#newPiece();
    }
    const rows = this.#rows;
    if (rows === undefined) return -1;
    const row = at * FIELDS;
    rows[row + Field.OFFSET] = offset;
    rows[row + Field.BYTES] = bytes;
    rows[row + Field.CLIENT] = client;
    rows[row + Field.WHAT] = what;
    rows[row + Field.ENDED] = 0;
    return row;
  }

  /** For the last command. */
  #newPiece(): Float64Array | undefined {
    if (this.#most === 0) return undefined;
    const piece = orNone(() => new Float64Array(PIECE_NUMBERS));
    this.#ring[pieceOf(this.#last) % this.#ring.length] = piece;
    return piece;
  }

  /** There was no memory for it. */
  #missed(): number {
    this.#floor = this.#last;
    return this.#last;
  }

  /** The ends that are known stay known. */
  #makeOrder(): void {
    const old = this.#order;
    const wanted = this.#listeners.size > 0 ? this.#most : 0;
    const order = orNone(() => new Float64Array(wanted)) ?? new Float64Array(0);
    const { length } = order;
    const known = Math.min(old.length, length, this.#ended);
    for (let end = this.#ended - known; end < this.#ended; end++) {
      order[end % length] = old[end % old.length] ?? 0;
    }
    this.#order = order;
  }
}

/** In the ring of a log of so many commands. */
function pieces(most: number): number {
  return most === 0 ? 0 : Math.ceil(most / PIECE) + 1;
}

function pieceOf(seq: number): number {
  return Math.floor((seq - 1) / PIECE);
}
