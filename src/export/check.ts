/** What is wrong with a command, before anything of it is executed: one row per NBD command.
 *  Source: nbd-protocol.md sections 3.2 and 3.3, with its rules where the protocol is silent. */

import {
  Command,
  CommandFlag,
  NbdError,
  type RequestHeader,
  TransmissionFlag,
} from 'nbd-server-protocol-ts';
import { PAYLOAD_MAX } from './nbd-export.ts';

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
  readTooLong: refusal(NbdError.EOVERFLOW, 'the read is longer than 64 MiB'),
  writeTooLong: refusal(NbdError.EINVAL, 'the write is longer than 64 MiB'),
  flushRange: refusal(NbdError.EINVAL, 'offset and length of a flush must be zero'),
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
    },
  ],
]);

/** @param agreed the transmission flags as they were sent to this client.
 *  @param size of the export in bytes; offsets above 2^53 arrive rounded but in order.
 *  @returns undefined when the command may be executed. Allocates nothing. */
export function check(header: RequestHeader, agreed: number, size: number): Refusal | undefined {
  if (header.command === Command.FLUSH) {
    if ((header.flags & ~FUA) !== 0) return refused.flags;
    return header.offset !== 0 || header.length !== 0 ? refused.flushRange : undefined;
  }
  const row = rows.get(header.command);
  if (row === undefined) return unknown(header.command);
  if (row.offeredBy !== 0 && (agreed & row.offeredBy) === 0) return refused.notOffered;
  const flags = (agreed & TransmissionFlag.SEND_DF) === 0 ? row.flags & ~DF : row.flags;
  if ((header.flags & ~flags) !== 0) return refused.flags;
  if (row.tooLong !== undefined && header.length > PAYLOAD_MAX) return row.tooLong;
  if (header.length > size || header.offset > size - header.length) return row.beyondEnd;
  return header.length === 0 ? row.empty : undefined;
}

function unknown(command: number): Refusal {
  if (command === Command.BLOCK_STATUS) return refused.noContext;
  if (command === Command.CACHE || command === Command.RESIZE) return refused.notOffered;
  return refused.unknownCommand;
}
