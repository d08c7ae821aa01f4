/** A journal's bytes while they are written: records one behind the other in pieces of memory, as they are in the
 *  file. Knows no device, no file. Source: docs/journal.md. */

import { Command, RequestFlag } from '../../block/command.ts';
import { UNDONE } from '../../block/command-journal.ts';
import { orNone } from '../../pages/memory.ts';
import type { Segments } from '../../pages/segments.ts';
import { GiB, MiB, SECTOR_BYTES } from '../../units.ts';

/** Each piece is 16 times as long as the one before: the engine collects garbage for each beyond 64 MiB, 20 ms of
 *  processor time. It takes memory as it is written to. */
const PIECE_BYTES = MiB;
const PIECE_BYTES_MAX = GiB;
const GROWTH = 16;
/** So much is charged at a time. */
const CHARGE_BYTES = MiB;
/** So many pieces are kept for what comes next. */
const SPARE_MAX = 4;
/** What is touched ahead of the records: so far, and so much at a time. */
const AHEAD_BYTES = 4 * MiB;
const TOUCH_BYTES = CHARGE_BYTES;
/** Records caught up with a region that was still being touched: they had no more need of it for so long. */
const PAUSE_BYTES = 32 * MiB;
const RECORD_BYTES = 48;
/** A file's first bytes. */
export const MAGIC = new TextEncoder().encode('TNULLJ1\n');
const TWO_32 = 2 ** 32;

const Kind = { arrived: 1, answered: 2, connected: 3, disconnected: 4, mark: 5, base: 6 } as const;
type Kind = (typeof Kind)[keyof typeof Kind];
const EIO = 5;
const Flag = { fua: 1, noUnmap: 2, astray: 4, lied: 4 } as const;

/** What the header says. */
export interface HeaderFields {
  readonly size: number;
  readonly block: number;
  readonly cache: boolean;
  readonly fua: boolean;
  readonly atomic: number;
  readonly multiConnection: boolean;
  readonly seed: string;
  readonly name: string;
}

/** Touches memory before it is written to: the first touch of a page takes the system as long as a record takes us. */
export interface Toucher {
  /** Writes zeros to the bytes, in the background. @param done they are not written to any more. False: they were not
   *  touched, and others would not be. */
  touch(bytes: Uint8Array, done: (isTouched: boolean) => void): void;
  /** No more is touched. */
  close(): void;
}

interface Ahead extends Pick<Toucher, 'touch'> {
  /** Takes memory that is not needed yet. @returns false: others may need it. */
  take(bytes: number): boolean;
}

export class Recorder {
  /** Of those that are full, what was not taken. */
  readonly #full: Uint8Array[] = [];
  /** What becomes of pieces that are written to a file. Undefined: all stay. */
  readonly #spare: Uint8Array<ArrayBuffer>[] | undefined;
  #piece = new Uint8Array(0);
  #view = new DataView(this.#piece.buffer);
  #used = 0;
  /** Of the piece, what was taken. */
  #taken = 0;
  /** Of the piece, what is charged. */
  #charged = 0;
  #bytes = 0;
  readonly #now: () => number;
  readonly #memory: (bytes: number) => boolean;
  readonly #giveBack: (bytes: number) => void;
  #ahead: Ahead | undefined;
  /** Of the piece, what may be written to: what is charged, without a region behind it that is being touched. */
  #writable = 0;
  /** Records beyond this place have the next region touched. */
  #touchFrom = Number.POSITIVE_INFINITY;
  #isTouching = false;

  /** @param now ns since power on. @param memory takes so many bytes; false: there are none. @param giveBack those that
   *  were taken in vain. @param passes `take` gets all of it, piece by piece, and gives the pieces back.
   *  @param ahead touches memory before records come to it. */
  constructor(
    now: () => number,
    memory: (bytes: number) => boolean,
    giveBack: (bytes: number) => void,
    passes = false,
    ahead: Ahead | undefined = undefined,
  ) {
    this.#spare = passes ? [] : undefined;
    this.#now = now;
    this.#memory = memory;
    this.#giveBack = giveBack;
    this.#ahead = ahead;
  }

  /** Of records so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** ns since power on. */
  now(): number {
    return this.#now();
  }

  /** Bytes that a record takes. */
  static size(payload: number): number {
    return RECORD_BYTES + payload;
  }

  /** False: no memory; nothing was written. */
  arrived(
    client: number,
    id: number,
    command: number,
    flags: number,
    sector: number,
    sectors: number,
    data: Segments,
    isAstray = false,
  ): boolean {
    const length = command === Command.WRITE ? sectors * SECTOR_BYTES : 0;
    if (!this.#reserve(length)) return false;
    const bits =
      ((flags & RequestFlag.FUA) !== 0 ? Flag.fua : 0) |
      ((flags & RequestFlag.NOUNMAP) !== 0 ? Flag.noUnmap : 0) |
      (isAstray ? Flag.astray : 0);
    this.#record(Kind.arrived, command, bits, client, id, sector, sectors, 0, length, this.#now());
    if (length > 0) this.#payload(data, length);
    return true;
  }

  /** @param now as `now` gives it: many are answered at one time. */
  answered(client: number, id: number, errno: number, now = this.#now()): boolean {
    if (errno >= 0) return this.#short(Kind.answered, client, id, errno, now);
    const undone = errno === UNDONE ? EIO : 0;
    return this.#short(Kind.answered, client, id, undone, now, Flag.lied);
  }

  connected(client: number): boolean {
    return this.#short(Kind.connected, client, 0, 0, this.#now());
  }

  disconnected(client: number): boolean {
    return this.#short(Kind.disconnected, client, 0, 0, this.#now());
  }

  mark(text: Uint8Array): boolean {
    if (!this.#reserve(text.length)) return false;
    this.#record(Kind.mark, 0, 0, 0, 0, 0, 0, 0, text.length, this.#now());
    this.#piece.set(text, this.#used);
    this.#used += text.length;
    return true;
  }

  /** All that was not taken, as they are now. */
  pieces(): Uint8Array[] {
    return [...this.#full, this.#piece.subarray(this.#taken, this.#used)];
  }

  /** What was written since the last time: whole records in each part. Each piece's last part, which may be empty,
   *  comes once the piece is full. */
  take(): Uint8Array[] {
    const parts = this.#used > this.#taken ? this.pieces() : [...this.#full];
    this.#full.length = 0;
    this.#taken = this.#used;
    return parts;
  }

  /** Nobody needs the parts of this piece that were taken. */
  giveBack({ buffer }: Uint8Array): void {
    if (buffer === this.#piece.buffer || this.#spare === undefined) return;
    if (this.#full.some((one) => one.buffer === buffer)) return;
    const isUsual = buffer instanceof ArrayBuffer && buffer.byteLength === PIECE_BYTES;
    if (isUsual && this.#spare.length < SPARE_MAX) this.#spare.push(new Uint8Array(buffer));
    else this.#giveBack(buffer.byteLength);
  }

  #short(kind: Kind, client: number, id: number, errno: number, now: number, flags = 0): boolean {
    if (!this.#reserve(0)) return false;
    this.#record(kind, 0, flags, client, id, 0, 0, errno, 0, now);
    return true;
  }

  /** Room for a record and its payload in one piece. */
  #reserve(payload: number): boolean {
    const needed = RECORD_BYTES + payload;
    if (this.#used + needed > this.#writable && !this.#takeMemory(needed)) return false;
    this.#bytes += needed;
    if (this.#used > this.#touchFrom && needed <= TOUCH_BYTES) this.#touchNext();
    return true;
  }

  #takeMemory(needed: number): boolean {
    if (this.#writable < this.#charged) this.#skip();
    const begins = this.#used + needed > this.#piece.length;
    const [used, charged] = begins ? [0, 0] : [this.#used, this.#charged];
    const steps = Math.ceil((used + needed - charged) / CHARGE_BYTES);
    const left = begins ? Number.POSITIVE_INFINITY : this.#piece.length - charged;
    const more = Math.min(steps * CHARGE_BYTES, left);
    if (begins && this.#reuse(needed)) return true;
    if (!this.#memory(more)) return false;
    if (begins && !this.#begin(Math.max(more, needed))) {
      this.#giveBack(more);
      return false;
    }
    this.#charged += more;
    this.#writable = this.#charged;
    return true;
  }

  /** A piece that was given back, and is charged. */
  #reuse(length: number): boolean {
    const piece = length > PIECE_BYTES ? undefined : this.#spare?.pop();
    if (piece === undefined) return false;
    this.#continueIn(piece);
    this.#charged = piece.length;
    this.#writable = piece.length;
    return true;
  }

  /** A piece of at least `length` bytes. */
  #begin(length: number): boolean {
    const most = this.#spare === undefined ? PIECE_BYTES_MAX : PIECE_BYTES;
    const wanted = Math.min(Math.max(PIECE_BYTES, this.#piece.length * GROWTH), most);
    const size = Math.max(wanted, length);
    const piece = orNone(() => new Uint8Array(size)) ?? orNone(() => new Uint8Array(length));
    if (piece === undefined) return false;
    this.#continueIn(piece);
    this.#charged = 0;
    this.#writable = 0;
    this.#touchFrom = this.#ahead === undefined ? Number.POSITIVE_INFINITY : 0;
    return true;
  }

  /** The next region, unless one is being touched: records never wait for it. */
  #touchNext(): void {
    const [ahead, piece, at] = [this.#ahead, this.#piece, this.#charged];
    this.#touchFrom = this.#used + TOUCH_BYTES;
    if (ahead === undefined || this.#isTouching) return;
    if (at + TOUCH_BYTES > piece.length || !ahead.take(TOUCH_BYTES)) return;
    this.#touchFrom = Number.POSITIVE_INFINITY;
    this.#charged += TOUCH_BYTES;
    this.#isTouching = true;
    ahead.touch(piece.subarray(at, at + TOUCH_BYTES), (isTouched) => {
      this.#isTouching = false;
      if (!isTouched) this.#ahead = undefined;
      // Otherwise records have passed it.
      if (this.#piece !== piece || this.#writable !== at) return;
      this.#writable = this.#charged;
      this.#touchFrom = this.#charged - AHEAD_BYTES;
    });
  }

  /** What comes next is written behind the region that is being touched. */
  #skip(): void {
    this.#full.push(this.#piece.subarray(this.#taken, this.#used));
    this.#used = this.#charged;
    this.#taken = this.#charged;
    this.#writable = this.#charged;
    this.#touchFrom = this.#used + PAUSE_BYTES;
  }

  #continueIn(piece: Uint8Array<ArrayBuffer>): void {
    if (this.#used > 0) this.#full.push(this.#piece.subarray(this.#taken, this.#used));
    this.#piece = piece;
    this.#view = new DataView(piece.buffer);
    this.#used = 0;
    this.#taken = 0;
  }

  #record(
    kind: Kind,
    command: number,
    flags: number,
    client: number,
    id: number,
    sector: number,
    sectors: number,
    errno: number,
    payload: number,
    now: number,
  ): void {
    encodeAt(this.#view, this.#used, kind, command, flags, client, errno, payload);
    const at = this.#used;
    big(this.#view, at + 8, id);
    big(this.#view, at + 16, sector);
    big(this.#view, at + 24, sectors);
    big(this.#view, at + 40, now);
    this.#used = at + RECORD_BYTES;
  }

  #payload(data: Segments, length: number): void {
    let left = length;
    for (let at = 0; at < data.count && left > 0; at++) {
      const part = Math.min(left, data.length(at));
      const start = data.start(at);
      const buffer = data.buffer(at);
      const whole = start === 0 && part === buffer.length;
      this.#piece.set(whole ? buffer : buffer.subarray(start, start + part), this.#used);
      this.#used += part;
      left -= part;
    }
  }
}

function encodeAt(
  view: DataView,
  at: number,
  kind: Kind,
  command: number,
  flags: number,
  client: number,
  errno: number,
  payload: number,
): void {
  view.setUint8(at, kind);
  view.setUint8(at + 1, command);
  view.setUint16(at + 2, flags, true);
  view.setUint32(at + 4, client, true);
  view.setInt32(at + 32, errno, true);
  view.setUint32(at + 36, payload, true);
}

/** A whole number below 2^53 as 64 bits; big integers would be allocated. */
function big(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, value / TWO_32, true);
}

/** Magic, length and header. */
export function headerBytes(fields: HeaderFields): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(fields));
  const bytes = new Uint8Array(MAGIC.length + 4 + text.length);
  bytes.set(MAGIC);
  new DataView(bytes.buffer).setUint32(MAGIC.length, text.length, true);
  bytes.set(text, MAGIC.length + 4);
  return bytes;
}

/** The record of data of the base, without them. */
export function baseRecord(sector: number, length: number): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  encodeAt(view, 0, Kind.base, 0, 0, 0, 0, length);
  big(view, 16, sector);
  big(view, 24, length / SECTOR_BYTES);
  return bytes;
}

/** Of records that begin here, the bytes of those that end within the first `length` bytes, up to what is none. */
export function wholeRecords(records: Uint8Array, length: number): number {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  let end = 0;
  for (let next = end; next <= length; ) {
    end = next;
    // A hole in a file is no record.
    if (end + RECORD_BYTES > length || view.getUint8(end) === 0) break;
    next = end + RECORD_BYTES + view.getUint32(end + 36, true);
  }
  return end;
}
