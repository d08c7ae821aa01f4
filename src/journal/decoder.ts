/** Reads a journal from bytes that come in pieces of any length. Everything that the file says is judged
 *  before it is believed; memory grows with bytes that are there, not with lengths that are claimed.
 *  Source: docs/journal.md, Records. */

import { SECTOR_BYTES } from '../units.ts';
import { ByteQueue } from './byte-queue.ts';
import {
  Command,
  HEADER_BYTES_MAX,
  hasUnknownFlags,
  isCommand,
  isKind,
  JournalError,
  type JournalHeader,
  type JournalRecord,
  Kind,
  MAGIC,
  MARK_BYTES_MAX,
  RECORD_BYTES,
} from './format.ts';
import { parseHeader } from './header.ts';
import { readRecord } from './records.ts';

const LENGTH_BYTES = 4;

/** What is read next. */
type Part = 'magic' | 'header' | 'record' | 'payload';

export class JournalDecoder {
  readonly #bytes = new ByteQueue();
  #part: Part = 'magic';
  #needed = MAGIC.length + LENGTH_BYTES;
  #header: JournalHeader | undefined;
  /** The record whose payload is awaited. */
  #record: JournalRecord | undefined;
  #records = 0;
  /** Where the part that is read begins, from the file's start. */
  #at = 0;
  #hasCommands = false;

  /** @throws JournalError before all of it was pushed. */
  get header(): JournalHeader {
    if (this.#header === undefined) throw new JournalError('cut off in its header');
    return this.#header;
  }

  /** The records that are whole with these bytes, which are not kept. @throws JournalError in one line. */
  *push(bytes: Uint8Array): Generator<JournalRecord, void> {
    this.#bytes.push(bytes);
    for (;;) {
      const part = this.#bytes.take(this.#needed);
      if (part === undefined) return;
      const record = this.#read(part);
      if (record !== undefined) yield record;
    }
  }

  /** All was pushed. @returns where it ends within a record, in words; undefined: all are whole.
   *  @throws JournalError when it ends within its header. */
  end(): string | undefined {
    void this.header;
    if (this.#part === 'record' && this.#bytes.length === 0) return undefined;
    const begin = this.#part === 'payload' ? this.#at - RECORD_BYTES : this.#at;
    return `cut off in record ${this.#records}: the first ${begin} bytes are a whole journal`;
  }

  /** @param part as many bytes as were needed, for us to keep. */
  #read(part: Uint8Array): JournalRecord | undefined {
    this.#at += part.length;
    switch (this.#part) {
      case 'magic':
        return this.#next('header', headerLength(part));
      case 'header':
        this.#header = parseHeader(new TextDecoder().decode(part));
        return this.#next('record', RECORD_BYTES);
      case 'record': {
        const { record, length } = readRecord(part);
        const wrong = this.#wrong(record, length);
        if (wrong !== undefined) {
          throw new JournalError(
            `record ${this.#records} (at byte ${this.#at - RECORD_BYTES}): ${wrong}`,
          );
        }
        this.#hasCommands ||= record.kind === Kind.arrived;
        this.#record = record;
        if (length > 0) return this.#next('payload', length);
        return this.#whole(part.subarray(0, 0));
      }
      case 'payload':
        return this.#whole(part);
    }
  }

  #next(part: Part, needed: number): undefined {
    this.#part = part;
    this.#needed = needed;
  }

  #whole(payload: Uint8Array): JournalRecord | undefined {
    this.#next('record', RECORD_BYTES);
    this.#records++;
    const record = this.#record;
    return record && { ...record, payload };
  }

  /** What is wrong with a record, in a few words. */
  #wrong(record: JournalRecord, length: number): string | undefined {
    const { kind, command, flags, sector, sectors } = record;
    if (!isKind(kind)) return `type ${kind}: must be 1 to 6`;
    if (kind === Kind.mark) {
      return length > MARK_BYTES_MAX ? `a mark of ${length} bytes, at most 4096` : undefined;
    }
    const hasData = kind === Kind.base || (kind === Kind.arrived && command === Command.write);
    const expected = hasData ? sectors * SECTOR_BYTES : 0;
    if (kind === Kind.arrived) {
      if (!isCommand(command)) return `command ${command}: must be 1, 2, 3 or 9`;
      if (hasUnknownFlags(flags)) return `flags 0x${flags.toString(16)}: unknown`;
    }
    if (kind === Kind.base && this.#hasCommands) return 'data of the base behind a command';
    const hasRange = kind === Kind.base || (kind === Kind.arrived && command !== Command.flush);
    if (hasRange && !(sector + sectors <= Math.ceil(this.header.size / SECTOR_BYTES))) {
      return `sectors ${sector}+${sectors}: beyond the device's end`;
    }
    if (length !== expected) return `a payload of ${length} bytes: must be ${expected}`;
    return undefined;
  }
}

function headerLength(bytes: Uint8Array): number {
  const magic = new TextDecoder('latin1').decode(bytes.subarray(0, MAGIC.length));
  if (magic !== MAGIC) throw new JournalError('not a journal: it does not begin with TNULLJ1');
  const { buffer, byteOffset } = bytes;
  const length = new DataView(buffer, byteOffset).getUint32(MAGIC.length, true);
  if (length <= HEADER_BYTES_MAX) return length;
  throw new JournalError(`header of ${length} bytes: at most ${HEADER_BYTES_MAX}`);
}
