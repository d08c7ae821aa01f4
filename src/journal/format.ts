/** A journal's words: what its header and its records say. The bytes are in encoder.ts and decoder.ts, and
 *  for others in docs/journal.md. Source: docs/journal.md, Records. */

/** The first 8 bytes. */
export const MAGIC = 'TNULLJ1\n';
/** Of each record, before its payload. */
export const RECORD_BYTES = 48;
/** Text of a mark, in bytes of UTF-8. */
export const MARK_BYTES_MAX = 4096;
/** More text than any header has; a file that says so is none of ours. */
export const HEADER_BYTES_MAX = 65536;

/** By their numbers in a record. */
export const Kind = {
  arrived: 1,
  answered: 2,
  connected: 3,
  disconnected: 4,
  mark: 5,
  base: 6,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** As the block layer numbers them. */
export const Command = { write: 1, flush: 2, discard: 3, writeZeroes: 9 } as const;
export type Command = (typeof Command)[keyof typeof Command];

/** Of arrived. Astray: no client sent it; the device put the data of a write there. */
export const Flag = { fua: 1, noUnmap: 2, astray: 4 } as const;
const ALL_FLAGS = Flag.fua | Flag.noUnmap | Flag.astray;

/** Of answered: success was told, but a flush made nothing durable, or FUA was ignored; with an errno, the command
 *  was not done. */
export const LIED = 4;

/** The device, as its clients saw it. */
export interface JournalHeader {
  /** In bytes. */
  readonly size: number;
  /** The logical block, in bytes. */
  readonly block: number;
  /** It has a volatile cache: what is answered is durable once it is flushed. */
  readonly cache: boolean;
  readonly fua: boolean;
  /** What is written whole or not at all, in bytes, in units aligned to it. */
  readonly atomic: number;
  /** A flush of one client holds for what all others were answered. */
  readonly multiConnection: boolean;
  /** Of its dice. */
  readonly seed: number | string;
  readonly name: string;
}

export interface JournalRecord {
  readonly kind: Kind;
  /** Of arrived and answered. */
  readonly command: number;
  readonly flags: number;
  readonly client: number;
  /** Pairs arrived and answered. */
  readonly id: bigint;
  /** In sectors of 512 bytes. */
  readonly sector: number;
  readonly sectors: number;
  /** Of answered: 0 or an errno. */
  readonly errno: number;
  /** Since power on. */
  readonly ns: bigint;
  /** Data of a write or of the base, text of a mark; else empty. Begins at a multiple of 4 in its buffer. */
  readonly payload: Uint8Array;
}

/** A file that is not a journal, or a broken one: one line that says where. */
export class JournalError extends Error {}

export function isCommand(value: number): value is Command {
  return Object.values<number>(Command).includes(value);
}

export function isKind(value: number): value is Kind {
  return value >= Kind.arrived && value <= Kind.base;
}

export function hasUnknownFlags(flags: number): boolean {
  return (flags & ~ALL_FLAGS) !== 0;
}
