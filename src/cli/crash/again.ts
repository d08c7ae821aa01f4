/** A second power cut, while the check recovers from the first: what the check wrote is a journal too, and its images are
 *  checked in turn. One level: what those checks write is not looked at. Source: crash.md section 5. */

import { writeFileSync } from 'node:fs';
import { ZEROS } from '../../crash/contents.ts';
import { exploringInPieces } from '../../crash/exploring.ts';
import type { ImagePart } from '../../crash/image-bytes.ts';
import { idText } from '../../crash/image-id.ts';
import { ImageSource } from '../../crash/image-source.ts';
import { type CrashLog, LogBuilder } from '../../crash/log.ts';
import { crashSite, type Model } from '../../crash/models.ts';
import { doubtful, momentOf } from '../../crash/story.ts';
import { JournalDecoder } from '../../journal/decoder.ts';
import { encodeHeader, encodeRecord } from '../../journal/encoder.ts';
import { type JournalHeader, type JournalRecord, Kind } from '../../journal/format.ts';
import { bug, SECTOR_BYTES } from '../../units.ts';
import { isFailure, outcomeOf } from '../outcome.ts';
import { Checker, type CheckerOptions } from './checker.ts';
import type { CrashLane } from './lane.ts';
import type { Failure, Tried } from './report.ts';

/** Of each recovery; in the order of exploring. */
export const AGAIN_MAX = 100;

export interface AgainOptions extends CheckerOptions {
  readonly model: Model;
  readonly seed: number;
  /** By status. */
  readonly outcomes: ReadonlyMap<number, string>;
  readonly keepGoing: boolean;
  readonly signal: AbortSignal;
  /** Where the journal of a recovery goes, of which an image fails. */
  readonly journalFile: (id: string) => string;
}

/** The first cut, and what was checked after it. */
export interface FirstCut {
  /** Its id. */
  readonly image: string;
  readonly n: number;
  /** Those that hold. */
  readonly marks: readonly string[];
  /** Of what the check wrote. */
  readonly journal: Uint8Array;
  /** What it wrote to, at last; undefined: the journal's base. */
  readonly base?: Iterable<ImagePart>;
}

interface Recovery {
  readonly log: CrashLog;
  readonly records: readonly JournalRecord[];
}

export class Again {
  readonly #lane: CrashLane;
  readonly #header: JournalHeader;
  readonly #options: AgainOptions;

  /** @param header of the journal of the first cut. */
  constructor(lane: CrashLane, header: JournalHeader, options: AgainOptions) {
    this.#lane = lane;
    this.#header = header;
    this.#options = options;
  }

  kill(signal: NodeJS.Signals): void {
    this.#lane.kill(signal);
  }

  end(): Promise<void> {
    return this.#lane.end();
  }

  /** Checks what a second cut may leave, less what the first one left. */
  async run(first: FirstCut): Promise<(Tried | Failure)[]> {
    const { model, seed, signal, keepGoing } = this.#options;
    const recovery = this.#read(first);
    if (recovery.log.commands.length === 0) return [];
    const site = crashSite(recovery.log, model);
    const { timeline } = site;
    const source = new ImageSource(site, model);
    const checker = new Checker(this.#lane, timeline, this.#options, true);
    const found: (Tried | Failure)[] = [];
    for (const id of exploringInPieces(site, { model, seed, limit: AGAIN_MAX })) {
      if (signal.aborted) break;
      if (id === undefined) continue;
      const contents = source.contents(id) ?? bug('an image that is not there');
      if (contents.every((one, cell) => one === (timeline.cells.base[cell] ?? ZEROS))) continue;
      const image = `${first.image}/${idText(id)}`;
      const checked = await checker.check(id, contents, image);
      const { status, ms, output } = checked;
      const outcome = outcomeOf(status, this.#options.outcomes);
      const tried: Tried = { id: image, n: first.n, outcome, status, ms };
      if (!isFailure(tried)) {
        found.push(tried);
        continue;
      }
      const moment = momentOf(recovery.log, id.instant);
      const commands = doubtful(timeline, id.instant, contents);
      const again = { journal: this.#save(first, recovery), id: idText(id) };
      found.push({ ...tried, moment, commands, output, beyond: false, again } satisfies Failure);
      if (!keepGoing) break;
    }
    return found;
  }

  /** What was promised before the first cut still is. */
  #read({ journal, marks, base }: FirstCut): Recovery {
    const decoder = new JournalDecoder();
    const builder = new LogBuilder();
    const all = [...decoder.push(journal)];
    const own = all.filter(({ kind }) => kind === Kind.base);
    const others = all.slice(own.length);
    const bases = base === undefined ? own : Array.from(base, baseRecord);
    const records = [...bases, ...marks.map(markRecord), ...others];
    for (const record of records) builder.add(record);
    // The same disk: what it writes as a whole, and whether it has a cache, is as before.
    const { cache, atomic, seed, name } = this.#header;
    return { log: builder.finish({ ...decoder.header, cache, atomic, seed, name }), records };
  }

  #save({ image }: FirstCut, { log, records }: Recovery): string {
    const path = this.#options.journalFile(image);
    const parts = records.flatMap((record) => [encodeRecord(record), record.payload]);
    writeFileSync(path, Buffer.concat([encodeHeader(log.header), ...parts]));
    return path;
  }
}

function baseRecord({ offset, bytes }: ImagePart): JournalRecord {
  // The last block may end with the device, within a sector.
  const sectors = Math.ceil(bytes.length / SECTOR_BYTES);
  const payload = new Uint8Array(sectors * SECTOR_BYTES);
  payload.set(bytes);
  const place = { sector: offset / SECTOR_BYTES, sectors };
  return {
    ...{ kind: Kind.base, command: 0, flags: 0, client: 0, id: 0n, ...place },
    ...{ errno: 0, ns: 0n, payload },
  };
}

function markRecord(text: string): JournalRecord {
  return {
    ...{ kind: Kind.mark, command: 0, flags: 0, client: 0, id: 0n, sector: 0, sectors: 0 },
    ...{ errno: 0, ns: 0n, payload: new TextEncoder().encode(text) },
  };
}
