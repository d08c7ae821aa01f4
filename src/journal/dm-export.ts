/** A journal as a log of dm-log-writes: what was answered, in the order in which it became durable, as the kernel's
 *  target logs it. A flush takes what was answered when it arrived, and logs it, then itself, when it is
 *  answered; FUA is logged at once. Source: docs/crash.md, Logs of dm-log-writes. */

import { KiB, SECTOR_BYTES } from '../units.ts';
import { DmFlag, encodeEntry } from './dm-log.ts';
import { Command, Flag, type JournalHeader, type JournalRecord, Kind, LIED } from './format.ts';
import { Pairs } from './pairs.ts';

/** The log's sectors: whatever the device's block, no command is cut. */
export const DM_SECTOR_BYTES = SECTOR_BYTES;

const ZEROS = new Uint8Array(256 * KiB);

interface Arrived {
  readonly record: JournalRecord;
  /** Of a flush: what was answered when it arrived, in order. */
  readonly covers: readonly Answered[];
}

interface Answered {
  readonly record: JournalRecord;
  /** Its place among all that was answered. */
  readonly at: number;
}

export class DmExport {
  /** Written so far. */
  entries = 0;
  readonly #header: JournalHeader;
  readonly #pairs = new Pairs<Arrived>();
  /** Answered, but not logged. */
  #unflushed: readonly Answered[] = [];
  /** Of flushes that wait for their answer. */
  readonly #covered = new Set<readonly Answered[]>();
  #answered = 0;
  #hasBase = false;

  constructor(header: JournalHeader) {
    this.#header = header;
  }

  /** What is logged with this record. @throws JournalError when it cannot follow what came before. */
  *add(record: JournalRecord): Generator<Uint8Array, void> {
    if (record.kind === Kind.base) {
      this.#hasBase = true;
      yield* this.#log(record, 0);
      return;
    }
    if (this.#hasBase) {
      this.#hasBase = false;
      yield this.#entry({ sector: 0, sectors: 0, flags: DmFlag.mark, text: 'base' });
    }
    if (record.kind === Kind.arrived) this.#arrived(record);
    if (record.kind === Kind.answered) yield* this.#answer(record);
    if (record.kind === Kind.mark) {
      const text = new TextDecoder().decode(record.payload);
      yield this.#entry({ sector: 0, sectors: 0, flags: DmFlag.mark, text });
    }
  }

  /** What was answered and never flushed: the kernel's target logs it when it is removed. */
  *end(): Generator<Uint8Array, void> {
    const left = [...this.#unflushed, ...[...this.#covered].flat()];
    for (const { record } of left.sort((a, b) => a.at - b.at)) yield* this.#log(record, 0);
  }

  #arrived(record: JournalRecord): void {
    if (record.command !== Command.flush) {
      this.#pairs.arrived(record, { record, covers: [] });
      return;
    }
    const isCovered = ({ record: { client } }: Answered): boolean =>
      this.#header.multiConnection || client === record.client;
    const covers = this.#unflushed.filter(isCovered);
    this.#pairs.arrived(record, { record, covers });
    this.#unflushed = this.#unflushed.filter((one) => !isCovered(one));
    this.#covered.add(covers);
  }

  *#answer(answer: JournalRecord): Generator<Uint8Array, void> {
    const { record, covers } = this.#pairs.answered(answer);
    const isLie = (answer.flags & LIED) !== 0;
    if (record.command === Command.flush) {
      this.#covered.delete(covers);
      if (answer.errno !== 0 || isLie) {
        this.#unflushed = [...covers, ...this.#unflushed].sort((a, b) => a.at - b.at);
        return;
      }
      for (const one of covers) yield* this.#log(one.record, 0);
      yield this.#entry({ sector: 0, sectors: 0, flags: DmFlag.flush, text: '' });
      return;
    }
    if (answer.errno !== 0) return;
    const isFua = (record.flags & Flag.fua) !== 0 && !isLie;
    if (isFua || !this.#header.cache) yield* this.#log(record, isFua ? DmFlag.fua : 0);
    else this.#unflushed = [...this.#unflushed, { record, at: this.#answered++ }];
  }

  *#log({ command, kind, sector, sectors, payload }: JournalRecord, flags: number) {
    const isDiscard = kind === Kind.arrived && command === Command.discard;
    const all = isDiscard ? flags | DmFlag.discard : flags;
    yield this.#entry({ sector, sectors, flags: all, text: '' });
    if (isDiscard) return;
    if (payload.length > 0) yield payload;
    // write_zeroes: the format has no entry without data that means zeros for certain.
    let left = payload.length > 0 ? 0 : sectors * SECTOR_BYTES;
    for (; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left);
  }

  #entry(entry: Parameters<typeof encodeEntry>[0]): Uint8Array {
    this.entries++;
    return encodeEntry(entry, DM_SECTOR_BYTES);
  }
}
