/** What to do with a command, decided once before any of it is executed: refuse it, do nothing, answer a
 *  query, or touch certain blocks, whole or in part.
 *  Source: nbd-protocol.md sections 3.2 to 3.4. */

import {
  Command,
  CommandFlag,
  type OnClientFault,
  type RequestHeader,
  requestFault,
} from 'nbd-server-protocol-ts';
import { SECTOR_BYTES, type Sector } from '../units.ts';
import { isFar, type NearRange, type Range, rebase } from './far.ts';
import { NOT_OFFERED, type Refusal, type Row, type Rules, refused, rows } from './rules.ts';

export const Verdict = {
  REFUSED: 0,
  /** It succeeds without doing anything. */
  NOTHING: 1,
  /** A BLOCK_STATUS. If it has a payload, the payload may be looked at. */
  STATUS: 2,
  /** Whole blocks; a read may want only parts of those at the edges. */
  BLOCKS: 3,
  /** A write that begins or ends inside a block. */
  PARTS: 4,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** Made once for each client and filled again and again. */
export class Judgement implements NearRange {
  verdict: Verdict = Verdict.NOTHING;
  /** Why it is refused. Undefined exactly when it is not. */
  refusal: Refusal | undefined = undefined;
  /** It passed, and `tellFaults` may find rules that it broke. */
  doubtful = false;
  /** Bytes of data that it has in flight. */
  bytes = 0;
  /** Its number in the log of requests; 0: it is in none. */
  logged = 0;
  /** PARTS: the range, in bytes, from `base` sectors on; see far.ts. */
  base = 0;
  offset = 0;
  length = 0;
  behind = 0;
  /** BLOCKS: none of a flush. */
  sector = 0 as Sector; // 0 is a sector
  sectors = 0 as Sector; // 0 is a count of sectors
  /** BLOCKS: bytes from the first block's beginning to the client's range; below 0 for a discard. */
  head = 0;
}

/** Judges a command by the rules of its client. Changes nothing but `into`; allocates nothing. */
export function judge(header: RequestHeader, of: Rules, into: Judgement): void {
  into.doubtful = false;
  into.bytes = 0;
  into.refusal = refusalOf(header, of, into);
  into.verdict = into.refusal === undefined ? verdictOf(header, of, into) : Verdict.REFUSED;
}

/** Judges a range that came in a BLOCK_STATUS's payload. */
export function refusalOfStatus(range: Range, of: Rules): Refusal | undefined {
  const row = rows[Command.BLOCK_STATUS];
  return row === undefined ? refused.unknownCommand : refusalOfRange(row, range, of);
}

/** Tells `to` about each rule that a command breaks without being refused. */
export function tellFaults(header: RequestHeader, of: Rules, to: OnClientFault): void {
  const fault = requestFault(header, of.extended);
  if (fault !== undefined) to(fault);
  const row = rows[header.command];
  if (row?.tooLong !== undefined && header.length > of.payloadAgreed) {
    to('longer-than-maximum-payload');
  }
  if (header.command === Command.FLUSH && !of.flushOffered) to('flush-not-offered');
}

function refusalOf(header: RequestHeader, of: Rules, into: Judgement): Refusal | undefined {
  const { command, flags, length } = header;
  const row = rows[command];
  if (row === undefined) {
    return command === Command.RESIZE ? refused.notOffered : refused.unknownCommand;
  }
  const allowed = of.flags[command] ?? NOT_OFFERED;
  if (allowed === NOT_OFFERED) {
    if (row.writes && of.readOnly) return refused.readOnly;
    return command === Command.BLOCK_STATUS ? refused.noContext : refused.notOffered;
  }
  if ((flags & ~allowed) !== 0) return refused.flags;
  if (of.extended) {
    const payload = (flags & CommandFlag.PAYLOAD_LEN) !== 0;
    if (payload && length === 0) return refused.noPayload;
    if (!payload && command === Command.WRITE) into.doubtful = true;
    if (payload && command === Command.BLOCK_STATUS) {
      return length > of.statusPayloadMax ? refused.wrongIds : undefined;
    }
  }
  if (row.tooLong !== undefined && length > of.payloadAgreed) {
    if (length > of.payloadMax) return row.tooLong;
    into.doubtful = true;
  }
  if (command === Command.FLUSH) {
    if (!of.flushOffered) into.doubtful = true;
    return header.offset !== 0 || length !== 0 ? row.beyondEnd : undefined;
  }
  return refusalOfRange(row, header, of);
}

/** With a size below 2^53, numbers suffice for 64 bits: rounding keeps the order, the size is exact, and so
 *  is its difference with a length that is not above it. */
function refusalOfRange(row: Row, range: Range, of: Rules): Refusal | undefined {
  const far = of.farSize;
  if (far !== undefined && isFar(range)) {
    if (far.endsBefore(range)) return row.beyondEnd;
    return refusalOfShape(row, range.offsetLow, range.lengthLow, range.length, of);
  }
  const { offset, length } = range;
  const { size } = of;
  if (length > size || offset > size - length) return row.beyondEnd;
  return refusalOfShape(row, offset, length, length, of);
}

/** A block size is a power of two, so the lower half decides whether it is a multiple. */
function refusalOfShape(
  row: Row,
  offset: number,
  low: number,
  length: number,
  of: Rules,
): Refusal | undefined {
  if (length === 0) return row.empty;
  const alignment = row.wholeBlocks ? of.writeAlignment : of.alignment;
  if (((offset | low) & (alignment - 1)) === 0) return undefined;
  return of.alignment === alignment ? refused.unaligned : refused.zonedUnaligned;
}

/** For a command that is not refused. As in the kernel, a flush reaches the driver only if something is
 *  volatile. A cache cannot be filled from anything behind the memory. */
function verdictOf(header: RequestHeader, of: Rules, into: Judgement): Verdict {
  const { command, offset, length } = header;
  switch (command) {
    case Command.READ:
    case Command.WRITE:
      into.bytes = length;
      break;
    case Command.BLOCK_STATUS:
      return Verdict.STATUS;
    case Command.CACHE:
      return Verdict.NOTHING;
    case Command.FLUSH:
      return of.flushReaches ? wholeBlocks(into, 0, 0) : Verdict.NOTHING;
  }
  if (length === 0) return Verdict.NOTHING;
  if (of.farSize !== undefined && isFar(header)) {
    rebase(header, of.blockBytes, into);
    return verdictOfRange(command, of, into);
  }
  // The lower bits of both are enough, also above 2^32; two divisions would take longer than all the rest.
  if (((offset | length) & (of.blockBytes - 1)) === 0) return wholeBlocks(into, offset, length);
  into.base = into.behind = 0;
  into.offset = offset;
  into.length = length;
  return verdictOfRange(command, of, into);
}

/** A client's range that is whole blocks, near byte 0. */
function wholeBlocks(into: Judgement, offset: number, length: number): Verdict {
  into.sector = (offset / SECTOR_BYTES) as Sector; // whole blocks are whole sectors
  into.sectors = (length / SECTOR_BYTES) as Sector; // likewise
  into.head = 0;
  return Verdict.BLOCKS;
}

/** For a range that may begin or end inside a block. What lies behind the end of the export belongs to
 *  nobody, so the last block is whole if a range ends with it. */
function verdictOfRange(command: number, of: Rules, into: Judgement): Verdict {
  const { offset } = into;
  const end = offset + into.length;
  const block = of.blockBytes;
  const atEnd = end === of.size;
  const beginsInside = offset % block !== 0;
  if (beginsInside || into.length % block !== 0) {
    if (command === Command.WRITE) return Verdict.PARTS;
    if (command === Command.WRITE_ZEROES && (beginsInside || !atEnd)) return Verdict.PARTS;
  }
  if (command !== Command.TRIM) {
    return blocksAt(into, Math.floor(offset / block) * block, Math.ceil(end / block) * block);
  }
  // Only blocks that lie whole inside the range are discarded.
  const first = Math.ceil(offset / block) * block;
  const last = (atEnd ? Math.ceil : Math.floor)(end / block) * block;
  return last > first ? blocksAt(into, first, last) : Verdict.NOTHING;
}

/** The blocks in [first, end), in bytes, around or inside the client's range. */
function blocksAt(into: Judgement, first: number, end: number): Verdict {
  into.sector = (into.base + first / SECTOR_BYTES) as Sector; // whole blocks are whole sectors
  into.sectors = ((end - first) / SECTOR_BYTES) as Sector; // likewise
  into.head = into.behind + into.offset - first;
  return Verdict.BLOCKS;
}
