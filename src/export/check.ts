/** What is wrong with a command, before anything of it is executed: one row per NBD command.
 *  Source: nbd-protocol.md sections 3.2 and 3.3, with its rules where the protocol is silent. */

import {
  Command,
  CommandFlag,
  NbdError,
  type RequestHeader,
  TransmissionFlag,
} from 'nbd-server-protocol-ts';

/** Why a command is refused: the NBD error and a text for humans. */
export interface Refusal {
  readonly error: number;
  readonly text: string;
}

function refusal(error: number, text: string): Refusal {
  return { error, text };
}

const refused = {
  unknownCommand: refusal(NbdError.EINVAL, 'unknown command'),
  notOffered: refusal(NbdError.EINVAL, 'this command was not offered'),
  flags: refusal(NbdError.EINVAL, 'a flag is unknown, not offered or not for this command'),
  beyondEnd: refusal(NbdError.EINVAL, 'the range ends beyond the end of the export'),
  noSpace: refusal(NbdError.ENOSPC, 'the range ends beyond the end of the export'),
  zeroLength: refusal(NbdError.EINVAL, 'the length is zero'),
  readTooLong: refusal(NbdError.EOVERFLOW, 'the read is longer than the largest payload'),
  writeTooLong: refusal(NbdError.EINVAL, 'the write is longer than the largest payload'),
  flushRange: refusal(NbdError.EINVAL, 'offset and length of a flush must be zero'),
  unaligned: refusal(NbdError.EINVAL, 'a zoned export takes whole blocks only'),
  noContext: refusal(NbdError.EINVAL, 'no metadata context was selected'),
} as const;

interface Row {
  /** Command flags it may carry. */
  readonly flags: number;
  /** The transmission flag without which it was not offered. */
  readonly offeredBy: number;
  readonly beyondEnd: Refusal;
  /** Why it may not be empty; undefined: empty does nothing and succeeds. */
  readonly empty: Refusal | undefined;
  readonly tooLong: Refusal | undefined;
  /** Must be aligned where the export does not serve parts of blocks. */
  readonly wholeBlocks: boolean;
}

const { FUA, DF, NO_HOLE } = CommandFlag;

const rows: ReadonlyMap<number, Row> = new Map([
  [
    Command.READ,
    {
      flags: FUA | DF,
      offeredBy: 0,
      beyondEnd: refused.beyondEnd,
      empty: refused.zeroLength,
      tooLong: refused.readTooLong,
      wholeBlocks: false,
    },
  ],
  [
    Command.WRITE,
    {
      flags: FUA,
      offeredBy: 0,
      beyondEnd: refused.noSpace,
      empty: undefined,
      tooLong: refused.writeTooLong,
      wholeBlocks: true,
    },
  ],
  [
    Command.TRIM,
    {
      flags: FUA,
      offeredBy: TransmissionFlag.SEND_TRIM,
      beyondEnd: refused.beyondEnd,
      empty: undefined,
      tooLong: undefined,
      wholeBlocks: false,
    },
  ],
  [
    Command.WRITE_ZEROES,
    {
      flags: FUA | NO_HOLE,
      offeredBy: TransmissionFlag.SEND_WRITE_ZEROES,
      beyondEnd: refused.noSpace,
      empty: undefined,
      tooLong: undefined,
      wholeBlocks: true,
    },
  ],
]);

/** What `check` needs to know of an export. */
export interface Bounds {
  /** Bytes; offsets above 2^53 arrive rounded but in order. */
  readonly size: number;
  /** Writes begin and end at multiples of so many bytes. */
  readonly writeAlignment: number;
  /** Bytes. */
  readonly payloadMax: number;
}

/** A FLUSH is never refused for not being offered: where nothing is volatile it is true at no cost.
 *  @param agreed the transmission flags as they were sent to this client.
 *  @returns undefined when the command may be executed. Allocates nothing. */
export function check(header: RequestHeader, agreed: number, of: Bounds): Refusal | undefined {
  const fua = (agreed & TransmissionFlag.SEND_FUA) === 0 ? 0 : FUA;
  if (header.command === Command.FLUSH) {
    if ((header.flags & ~fua) !== 0) return refused.flags;
    return header.offset !== 0 || header.length !== 0 ? refused.flushRange : undefined;
  }
  const row = rows.get(header.command);
  if (row === undefined) return unknown(header.command);
  if (row.offeredBy !== 0 && (agreed & row.offeredBy) === 0) return refused.notOffered;
  let flags = (agreed & TransmissionFlag.SEND_DF) === 0 ? row.flags & ~DF : row.flags;
  if (fua === 0) flags &= ~FUA;
  if ((header.flags & ~flags) !== 0) return refused.flags;
  if (row.tooLong !== undefined && header.length > of.payloadMax) return row.tooLong;
  const { size, writeAlignment } = of;
  if (header.length > size || header.offset > size - header.length) return row.beyondEnd;
  if (header.length === 0) return row.empty;
  const unaligned = (header.offset | header.length) % writeAlignment !== 0;
  return unaligned && row.wholeBlocks ? refused.unaligned : undefined;
}

function unknown(command: number): Refusal {
  if (command === Command.BLOCK_STATUS) return refused.noContext;
  if (command === Command.CACHE || command === Command.RESIZE) return refused.notOffered;
  return refused.unknownCommand;
}
