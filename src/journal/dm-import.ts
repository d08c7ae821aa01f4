/** A log of dm-log-writes as a journal: each entry is taken as arrived and answered at its place, by one client.
 *  Source: docs/crash.md, Logs of dm-log-writes. */

import { SECTOR_BYTES } from '../units.ts';
import { type DmEntry, DmFlag } from './dm-log.ts';
import {
  Command,
  Flag,
  type JournalHeader,
  type JournalRecord,
  Kind,
  MARK_BYTES_MAX,
} from './format.ts';

const CLIENT = 1;

/** Of a log with sectors of so many bytes. @param end the end of what it writes to, in its sectors. */
export function importedHeader(sectorBytes: number, end: number): JournalHeader {
  return {
    ...{ size: end * sectorBytes, block: sectorBytes, atomic: sectorBytes },
    ...{ cache: true, fua: true, multiConnection: true, seed: 0, name: 'dm-log-writes' },
  };
}

export class DmImport {
  readonly #sectors: number;
  /** Time and ids: the log has none. */
  #count = 0n;

  constructor(sectorBytes: number) {
    this.#sectors = sectorBytes / SECTOR_BYTES;
  }

  /** The records that an entry is. */
  records({ sector, sectors, flags, text, data }: DmEntry): JournalRecord[] {
    if ((flags & DmFlag.mark) !== 0) {
      return [this.#record({ kind: Kind.mark, payload: markOf(text) })];
    }
    const records: JournalRecord[] = [];
    // A write with a flush is a flush first.
    if ((flags & DmFlag.flush) !== 0) records.push(...this.#both({ command: Command.flush }));
    if (sectors === 0) return records;
    const command = (flags & DmFlag.discard) === 0 ? Command.write : Command.discard;
    const range = { sector: sector * this.#sectors, sectors: sectors * this.#sectors };
    const fua = (flags & DmFlag.fua) === 0 ? 0 : Flag.fua;
    records.push(...this.#both({ command, ...range, flags: fua, payload: data }));
    return records;
  }

  #both(over: Partial<JournalRecord>): JournalRecord[] {
    const id = this.#count;
    const { command = 0 } = over;
    return [
      this.#record({ ...over, kind: Kind.arrived, id }),
      this.#record({ command, kind: Kind.answered, id }),
    ];
  }

  #record(over: Partial<JournalRecord>): JournalRecord {
    return {
      ...{ kind: Kind.mark, command: 0, flags: 0, client: CLIENT, id: 0n, sector: 0, sectors: 0 },
      ...{ errno: 0, payload: new Uint8Array(0) },
      ...over,
      ns: this.#count++,
    };
  }
}

/** As much of it as a journal takes: a log's sector may have 64 KiB. */
function markOf(text: string): Uint8Array {
  const bytes = new Uint8Array(MARK_BYTES_MAX);
  const { written } = new TextEncoder().encodeInto(text, bytes);
  return bytes.subarray(0, written);
}
