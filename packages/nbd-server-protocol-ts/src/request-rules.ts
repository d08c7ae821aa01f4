/** What a client may ask for after the handshake: one row per command. A server refuses other requests, a
 *  client does not send them. Source: nbd-protocol.md sections 3.2 to 3.4. */

import { Command, CommandFlag, TransmissionFlag } from './constants.ts';
import { NbdError, type NbdErrorCode } from './errors.ts';
import { endsBeyond, type RequestHeader } from './request.ts';
import { highWord, TWO_TO_32 } from './words.ts';

/** What was agreed on. */
export interface RequestTerms {
  /** Transmission flags. */
  readonly flags: number;
  readonly extended: boolean;
  /** How many metadata contexts were selected. */
  readonly contexts: number;
  /** Bytes. */
  readonly size: number | bigint;
  /** Offsets and lengths are multiples of so many bytes. */
  readonly alignment: number;
  /** Bytes of a READ or WRITE. */
  readonly payloadMax: number;
}

interface Row {
  readonly name: string;
  /** Command flags it may carry. FUA may be on every command once it is offered. */
  readonly flags: number;
  /** The transmission flag without which it was not offered. */
  readonly offeredBy: number;
  readonly writes: boolean;
  readonly beyondEnd: NbdErrorCode;
  /** It may have no length. */
  readonly mayBeEmpty: boolean;
  readonly tooLong: NbdErrorCode | undefined;
}

const { FUA, DF, NO_HOLE, REQ_ONE, FAST_ZERO, PAYLOAD_LEN } = CommandFlag;
const offer = TransmissionFlag;

// No row: DISC, which has no reply, FLUSH, which has no range, and unknown commands.
const rows: ReadonlyMap<number, Row> = new Map([
  [Command.READ, row('READ', FUA | DF, 0, 'EINVAL', { mayBeEmpty: false, tooLong: 'EOVERFLOW' })],
  [
    Command.WRITE,
    row('WRITE', FUA | PAYLOAD_LEN, 0, 'ENOSPC', { writes: true, tooLong: 'EINVAL' }),
  ],
  [Command.TRIM, row('TRIM', FUA, offer.SEND_TRIM, 'EINVAL', { writes: true })],
  [Command.CACHE, row('CACHE', FUA, offer.SEND_CACHE, 'EINVAL')],
  [
    Command.WRITE_ZEROES,
    row('WRITE_ZEROES', FUA | NO_HOLE | FAST_ZERO, offer.SEND_WRITE_ZEROES, 'ENOSPC', {
      writes: true,
    }),
  ],
  [
    Command.BLOCK_STATUS,
    row('BLOCK_STATUS', FUA | REQ_ONE | PAYLOAD_LEN, 0, 'EINVAL', { mayBeEmpty: false }),
  ],
]);

function row(
  name: string,
  flags: number,
  offeredBy: number,
  beyondEnd: NbdErrorCode,
  more: Partial<Pick<Row, 'writes' | 'mayBeEmpty' | 'tooLong'>> = {},
): Row {
  const usual = { writes: false, mayBeEmpty: true, tooLong: undefined };
  return { name, flags, offeredBy, beyondEnd, ...usual, ...more };
}

/** Command flags that need a transmission flag. */
const flagOffers: readonly (readonly [flag: number, offeredBy: number])[] = [
  [FUA, offer.SEND_FUA],
  [DF, offer.SEND_DF],
  [FAST_ZERO, offer.SEND_FAST_ZERO],
];

/** @returns why the request is not allowed. Undefined: it is allowed. For a BLOCK_STATUS with a payload the
 *  range is in the payload, and only `judgeRange` checks it. */
export function judgeRequest(header: RequestHeader, terms: RequestTerms): NbdError | undefined {
  const { command, flags } = header;
  if (command === Command.FLUSH) return judgeFlush(header, terms);
  const row = rows.get(command);
  if (row === undefined) return new NbdError('EINVAL', `unknown command ${command}`);
  if (row.writes && (terms.flags & offer.READ_ONLY) !== 0) {
    return new NbdError('EPERM', 'the export is read-only');
  }
  if (row.offeredBy !== 0 && (terms.flags & row.offeredBy) === 0) {
    return new NbdError('EINVAL', `${row.name} was not offered`);
  }
  if (command === Command.BLOCK_STATUS && terms.contexts === 0) {
    return new NbdError('EINVAL', 'no metadata context was selected');
  }
  if ((flags & ~allowedFlags(row.flags, command, terms)) !== 0) {
    return new NbdError('EINVAL', `a flag that is unknown, not offered or not for ${row.name}`);
  }
  if (command === Command.BLOCK_STATUS && (flags & PAYLOAD_LEN) !== 0) return undefined;
  return judgeRange(header, terms);
}

/** Only the range that `header` names. */
export function judgeRange(header: RequestHeader, terms: RequestTerms): NbdError | undefined {
  const row = rows.get(header.command);
  if (row === undefined) return new NbdError('EINVAL', `unknown command ${header.command}`);
  const { length, offsetLow, lengthLow } = header;
  if (row.tooLong !== undefined && length > terms.payloadMax) {
    return new NbdError(row.tooLong, `${row.name} is limited to ${terms.payloadMax} bytes`);
  }
  const [sizeHigh, sizeLow] = halves(terms.size);
  if (endsBeyond(header, sizeHigh, sizeLow)) {
    return new NbdError(row.beyondEnd, 'the range ends beyond the end of the export');
  }
  if (length === 0 && !row.mayBeEmpty) return new NbdError('EINVAL', `${row.name} of no bytes`);
  if ((offsetLow | lengthLow) % terms.alignment !== 0) {
    return new NbdError('EINVAL', `offset and length must be multiples of ${terms.alignment}`);
  }
  return undefined;
}

function judgeFlush(
  { flags, offset, length }: RequestHeader,
  terms: RequestTerms,
): NbdError | undefined {
  if ((flags & ~allowedFlags(FUA, Command.FLUSH, terms)) !== 0) {
    return new NbdError('EINVAL', 'a flag that is unknown, not offered or not for FLUSH');
  }
  if (offset === 0 && length === 0) return undefined;
  return new NbdError('EINVAL', 'offset and length of a FLUSH must be 0');
}

function allowedFlags(flags: number, command: number, terms: RequestTerms): number {
  let allowed = flags;
  for (const [flag, offeredBy] of flagOffers) {
    if ((terms.flags & offeredBy) === 0) allowed &= ~flag;
  }
  const mayHavePayload =
    command === Command.WRITE || (terms.flags & offer.BLOCK_STATUS_PAYLOAD) !== 0;
  return terms.extended && mayHavePayload ? allowed : allowed & ~PAYLOAD_LEN;
}

function halves(size: number | bigint): readonly [high: number, low: number] {
  if (typeof size === 'number') return [highWord(size), size % TWO_TO_32];
  return [Number(size >> 32n), Number(size & 0xffff_ffffn)];
}
