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
const RECORD_BYTES = 48;
const MAGIC = new TextEncoder().encode('TNULLJ1\n');
const TWO_32 = 2 ** 32;

const Kind = { arrived: 1, answered: 2, connected: 3, disconnected: 4, mark: 5, base: 6 } as const;
type Kind = (typeof Kind)[keyof typeof Kind];
const EIO = 5;
const Flag = { fua: 1, noUnmap: 2, lied: 4 } as const;

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

export class Recorder {
  /** Those that are full, with how much of each is used. */
  readonly #full: Uint8Array[] = [];
  #piece = new Uint8Array(0);
  #view = new DataView(this.#piece.buffer);
  #used = 0;
  /** Of the piece, what is charged. */
  #charged = 0;
  #bytes = 0;
  readonly #now: () => number;
  readonly #memory: (bytes: number) => boolean;
  readonly #giveBack: (bytes: number) => void;

  /** @param now ns since power on. @param memory takes so many bytes; false: there are none. @param giveBack those that
   *  were taken in vain. */
  constructor(
    now: () => number,
    memory: (bytes: number) => boolean,
    giveBack: (bytes: number) => void,
  ) {
    this.#now = now;
    this.#memory = memory;
    this.#giveBack = giveBack;
  }

  /** Of records so far. */
  get bytes(): number {
    return this.#bytes;
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
  ): boolean {
    const length = command === Command.WRITE ? sectors * SECTOR_BYTES : 0;
    if (!this.#reserve(length)) return false;
    const bits =
      ((flags & RequestFlag.FUA) !== 0 ? Flag.fua : 0) |
      ((flags & RequestFlag.NOUNMAP) !== 0 ? Flag.noUnmap : 0);
    this.#record(Kind.arrived, command, bits, client, id, sector, sectors, 0, length);
    if (length > 0) this.#payload(data, length);
    return true;
  }

  answered(client: number, id: number, errno: number): boolean {
    if (errno >= 0) return this.#short(Kind.answered, client, id, errno);
    return this.#short(Kind.answered, client, id, errno === UNDONE ? EIO : 0, Flag.lied);
  }

  connected(client: number): boolean {
    return this.#short(Kind.connected, client, 0, 0);
  }

  disconnected(client: number): boolean {
    return this.#short(Kind.disconnected, client, 0, 0);
  }

  mark(text: Uint8Array): boolean {
    if (!this.#reserve(text.length)) return false;
    this.#record(Kind.mark, 0, 0, 0, 0, 0, 0, 0, text.length);
    this.#piece.set(text, this.#used);
    this.#used += text.length;
    return true;
  }

  /** All so far, as they are now. */
  pieces(): Uint8Array[] {
    return [...this.#full, this.#piece.subarray(0, this.#used)];
  }

  #short(kind: Kind, client: number, id: number, errno: number, flags = 0): boolean {
    if (!this.#reserve(0)) return false;
    this.#record(kind, 0, flags, client, id, 0, 0, errno, 0);
    return true;
  }

  /** Room for a record and its payload in one piece. */
  #reserve(payload: number): boolean {
    const needed = RECORD_BYTES + payload;
    if (this.#used + needed > this.#charged && !this.#takeMemory(needed)) return false;
    this.#bytes += needed;
    return true;
  }

  #takeMemory(needed: number): boolean {
    const begins = this.#used + needed > this.#piece.length;
    const [used, charged] = begins ? [0, 0] : [this.#used, this.#charged];
    const steps = Math.ceil((used + needed - charged) / CHARGE_BYTES);
    const left = begins ? Number.POSITIVE_INFINITY : this.#piece.length - charged;
    const more = Math.min(steps * CHARGE_BYTES, left);
    if (!this.#memory(more)) return false;
    if (begins && !this.#begin(Math.max(more, needed))) {
      this.#giveBack(more);
      return false;
    }
    this.#charged += more;
    return true;
  }

  /** A piece of at least `length` bytes. */
  #begin(length: number): boolean {
    const wanted = Math.min(Math.max(PIECE_BYTES, this.#piece.length * GROWTH), PIECE_BYTES_MAX);
    const size = Math.max(wanted, length);
    const piece = orNone(() => new Uint8Array(size)) ?? orNone(() => new Uint8Array(length));
    if (piece === undefined) return false;
    if (this.#used > 0) this.#full.push(this.#piece.subarray(0, this.#used));
    this.#piece = piece;
    this.#view = new DataView(piece.buffer);
    this.#used = 0;
    this.#charged = 0;
    return true;
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
  ): void {
    encodeAt(this.#view, this.#used, kind, command, flags, client, errno, payload);
    const at = this.#used;
    big(this.#view, at + 8, id);
    big(this.#view, at + 16, sector);
    big(this.#view, at + 24, sectors);
    big(this.#view, at + 40, this.#now());
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
