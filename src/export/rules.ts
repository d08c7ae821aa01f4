/** How a command is judged: one row per NBD command, and what applies to a client after the handshake.
 *  Source: nbd-protocol.md sections 3.2 and 3.3. */

import {
  blockStatusPayloadMax,
  Command,
  CommandFlag,
  NbdError,
  type SelectedContext,
  TransmissionFlag,
} from 'nbd-server-protocol-ts';
import type { RefusalCause } from '../block/refusals.ts';
import { MiB } from '../units.ts';
import { type FarSize, farSizeOf } from './far.ts';

/** Why a command is refused: the NBD error, a text for humans, and what it counts as. */
export interface Refusal {
  readonly error: number;
  readonly text: string;
  readonly cause: RefusalCause;
}

function refusal(cause: RefusalCause, error: number, text: string): Refusal {
  return { error, text, cause };
}

export const refused = {
  unknownCommand: refusal('command', NbdError.EINVAL, 'unknown command'),
  readOnly: refusal('read-only', NbdError.EPERM, 'the export is read-only'),
  notOffered: refusal('command', NbdError.EINVAL, 'this command was not offered'),
  flags: refusal(
    'flags',
    NbdError.EINVAL,
    'a flag is unknown, not offered or not for this command',
  ),
  beyondEnd: refusal('range', NbdError.EINVAL, 'the range ends beyond the end of the export'),
  noSpace: refusal('range', NbdError.ENOSPC, 'the range ends beyond the end of the export'),
  zeroLength: refusal('length', NbdError.EINVAL, 'the length is zero'),
  readTooLong: refusal('length', NbdError.EOVERFLOW, 'the read is longer than the largest payload'),
  writeTooLong: refusal('length', NbdError.EINVAL, 'the write is longer than the largest payload'),
  flushRange: refusal('range', NbdError.EINVAL, 'offset and length of a flush must be zero'),
  unaligned: refusal(
    'alignment',
    NbdError.EINVAL,
    'offset and length must be multiples of the block size',
  ),
  zonedUnaligned: refusal('alignment', NbdError.EINVAL, 'a zoned export takes whole blocks only'),
  noContext: refusal('context', NbdError.EINVAL, 'no metadata context was selected'),
  noPayload: refusal('length', NbdError.EINVAL, 'the flag PAYLOAD_LEN needs a payload'),
  wrongIds: refusal(
    'context',
    NbdError.EINVAL,
    'the payload must be a length and selected contexts, each once',
  ),
} as const;

export interface Row {
  /** Command flags it may carry. */
  readonly flags: number;
  /** The transmission flag without which it is not offered. */
  readonly offeredBy: number;
  /** Refused by a read-only export. */
  readonly writes: boolean;
  readonly beyondEnd: Refusal;
  /** Why it may not be empty. Undefined: an empty one does nothing and succeeds. */
  readonly empty: Refusal | undefined;
  readonly tooLong: Refusal | undefined;
  /** It must be aligned if the export does not write parts of blocks. */
  readonly wholeBlocks: boolean;
}

// FUA is allowed on every command once it is offered, also on those that write nothing.
const { FUA, DF, NO_HOLE, REQ_ONE, FAST_ZERO, PAYLOAD_LEN } = CommandFlag;

/** By the commands' numbers. DISC has no reply, so no error either. */
export const rows: readonly (Row | undefined)[] = Object.assign([], {
  [Command.READ]: {
    flags: FUA | DF,
    offeredBy: 0,
    writes: false,
    beyondEnd: refused.beyondEnd,
    empty: refused.zeroLength,
    tooLong: refused.readTooLong,
    wholeBlocks: false,
  },
  [Command.WRITE]: {
    flags: FUA | PAYLOAD_LEN,
    offeredBy: 0,
    writes: true,
    beyondEnd: refused.noSpace,
    empty: undefined,
    tooLong: refused.writeTooLong,
    wholeBlocks: true,
  },
  // Never refused as not offered: if nothing is volatile it holds at no cost.
  [Command.FLUSH]: {
    flags: FUA,
    offeredBy: 0,
    writes: false,
    beyondEnd: refused.flushRange,
    empty: undefined,
    tooLong: undefined,
    wholeBlocks: false,
  },
  [Command.TRIM]: {
    flags: FUA,
    offeredBy: TransmissionFlag.SEND_TRIM,
    writes: true,
    beyondEnd: refused.beyondEnd,
    empty: undefined,
    tooLong: undefined,
    wholeBlocks: false,
  },
  [Command.CACHE]: {
    flags: FUA,
    offeredBy: TransmissionFlag.SEND_CACHE,
    writes: false,
    beyondEnd: refused.beyondEnd,
    empty: undefined,
    tooLong: undefined,
    wholeBlocks: false,
  },
  [Command.WRITE_ZEROES]: {
    flags: FUA | NO_HOLE | FAST_ZERO,
    offeredBy: TransmissionFlag.SEND_WRITE_ZEROES,
    writes: true,
    beyondEnd: refused.noSpace,
    empty: undefined,
    tooLong: undefined,
    wholeBlocks: true,
  },
  [Command.BLOCK_STATUS]: {
    flags: FUA | REQ_ONE | PAYLOAD_LEN,
    offeredBy: 0,
    writes: false,
    beyondEnd: refused.beyondEnd,
    empty: refused.zeroLength,
    tooLong: undefined,
    wholeBlocks: false,
  },
} satisfies Record<number, Row>);

/** What `Rules` need to know of an export. */
export interface Bounds {
  /** Bytes, exactly: a bigint from 2^53 on. */
  readonly size: number | bigint;
  /** Writes begin and end at multiples of so many bytes. */
  readonly writeAlignment: number;
  /** Everything else, likewise. */
  readonly alignment: number;
  /** The block size that a client may promise to respect, in bytes. */
  readonly blockSize: { readonly minimum: number; readonly maximumPayload: number };
  /** Bytes. */
  readonly payloadMax: number;
  /** Bytes of the disk's blocks. */
  readonly blockBytes: number;
  /** True when a flush has something to do, or a rule watches for it. May change. */
  readonly volatile: boolean;
}

/** What was agreed on. */
export interface Terms {
  /** The transmission flags as they were sent to this client. */
  readonly flags: number;
  readonly extendedHeaders: boolean;
  /** The selected metadata contexts. */
  readonly contexts: readonly SelectedContext[];
  /** The client promised to respect the minimum block size. */
  readonly blockSizeNegotiated: boolean;
}

export const NOT_OFFERED = -1;
/** What the protocol allows a client that did not ask. */
const PAYLOAD_UNTOLD = 32 * MiB;

/** The rules for one client, as `judge` looks them up. */
export class Rules {
  /** Bytes: longer payloads are refused. */
  readonly payloadMax: number;
  /** Bytes: the most that a client within the protocol sends and asks for. */
  readonly payloadAgreed: number;
  readonly flushOffered: boolean;
  /** Bytes. Infinity: every range that is not far lies inside. */
  readonly size: number;
  readonly farSize: FarSize | undefined;
  readonly blockBytes: number;
  readonly extended: boolean;
  readonly readOnly: boolean;
  /** The flags that each command may carry, or NOT_OFFERED. */
  readonly flags: readonly number[];
  readonly alignment: number;
  readonly writeAlignment: number;
  readonly statusPayloadMax: number;

  readonly #of: Bounds;

  constructor(terms: Terms, of: Bounds) {
    this.payloadMax = of.payloadMax;
    const told = terms.blockSizeNegotiated ? of.blockSize.maximumPayload : PAYLOAD_UNTOLD;
    this.payloadAgreed = Math.min(of.payloadMax, told);
    this.flushOffered = (terms.flags & TransmissionFlag.SEND_FLUSH) !== 0;
    this.#of = of;
    this.size = typeof of.size === 'number' ? of.size : Number.POSITIVE_INFINITY;
    this.farSize = farSizeOf(of.size);
    this.blockBytes = of.blockBytes;
    this.extended = terms.extendedHeaders;
    this.readOnly = (terms.flags & TransmissionFlag.READ_ONLY) !== 0;
    this.flags = rows.map((row, command) =>
      row === undefined ? NOT_OFFERED : flagsFor(row, command, terms),
    );
    this.alignment = terms.blockSizeNegotiated ? of.blockSize.minimum : of.alignment;
    this.statusPayloadMax = blockStatusPayloadMax(terms.contexts);
    this.writeAlignment = Math.max(this.alignment, of.writeAlignment);
  }

  get flushReaches(): boolean {
    return this.#of.volatile;
  }
}

function flagsFor(row: Row, command: number, terms: Terms): number {
  const { flags: agreed, extendedHeaders: extended } = terms;
  if (row.writes && (agreed & TransmissionFlag.READ_ONLY) !== 0) return NOT_OFFERED;
  if (row.offeredBy !== 0 && (agreed & row.offeredBy) === 0) return NOT_OFFERED;
  let flags = row.flags;
  const drop = (flag: number, offeredBy: number): void => {
    if ((agreed & offeredBy) === 0) flags &= ~flag;
  };
  drop(FUA, TransmissionFlag.SEND_FUA);
  drop(DF, TransmissionFlag.SEND_DF);
  drop(FAST_ZERO, TransmissionFlag.SEND_FAST_ZERO);
  if (command === Command.BLOCK_STATUS) {
    if (terms.contexts.length === 0) return NOT_OFFERED;
    drop(PAYLOAD_LEN, TransmissionFlag.BLOCK_STATUS_PAYLOAD);
  }
  return extended ? flags : flags & ~PAYLOAD_LEN;
}
