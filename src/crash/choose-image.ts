/** One image of those that a power cut may leave now, by dice: for cuts of a device that keeps a journal.
 *  Source: crash.md section 4. */

import { JournalDecoder } from '../journal/decoder.ts';
import { Command, type JournalHeader } from '../journal/format.ts';
import { recordsIn } from '../journal/records.ts';
import { bug, SECTOR_BYTES } from '../units.ts';
import { cellBytes, cellsOf } from './cells.ts';
import { ZEROS } from './contents.ts';
import { Dice } from './dice.ts';
import { cellPart, type ImagePart } from './image-bytes.ts';
import { idText } from './image-id.ts';
import { InstantImages } from './instant-images.ts';
import { Legality } from './legality.ts';
import { type BaseData, type CrashLog, LogBuilder, NEVER } from './log.ts';
import { piecesOf } from './pieces.ts';
import { PER_STEP, type Steps } from './steps.ts';
import { Timeline } from './timeline.ts';

/** Records taken in some 20 us. */
const RECORDS_PER_PIECE = 32;
/** In place of a command. */
const BASE = -1;

/** A journal as it is at one moment. */
export interface JournalNow {
  /** A file's first bytes, up to the end of the header. */
  readonly head: Uint8Array;
  /** The records that are no data of the base, whole ones in each. Taken once. */
  readonly pieces: Iterable<Uint8Array>;
  /** The base's data in these sectors, where they are not zeros. */
  base(sector: number, sectors: number): Iterable<BaseData>;
}

export interface ChosenImage {
  readonly id: string;
  /** Of the blocks that may have more than one content, how many have the newest. */
  readonly kept: number;
  readonly lost: number;
  /** Each block that might have been otherwise; the others are on the disk. */
  readonly parts: Iterable<ImagePart & { readonly isZero: boolean }>;
}

/** In steps. */
export function* chooseImage(
  journal: JournalNow,
  model: 'whole' | 'torn',
  seed: number,
): Steps<ChosenImage> {
  const decoder = new JournalDecoder();
  // The head has no record.
  decoder.push(journal.head).next();
  const bare = yield* logOf(decoder.header, journal);
  const open = yield* openCells(bare);
  const log = { ...bare, base: yield* baseOf(bare, open, journal) };
  const timeline = yield* Timeline.inSteps(log, yield* cellsOf(log, false, open));
  const instant = timeline.count - 1;
  const pieces = yield* piecesOf(timeline.cells, model === 'whole' ? undefined : log.header.atomic);
  const images = yield* InstantImages.inSteps(new Legality(timeline, pieces, false), instant);
  yield;
  const rank = new Dice(seed).below(images.legal);
  yield;
  const vector = (yield* images.vectorInSteps(rank)) ?? bug('a rank that is below their number');
  const contents = vector.map((version, cell) => timeline.contentOf(cell, version));
  yield;
  const { kept, lost } = yield* counted(timeline, instant, contents);
  return { id: idText({ model, instant, rank }), kept, lost, parts: partsOf(timeline, contents) };
}

function* logOf(header: JournalHeader, { pieces }: JournalNow): Steps<CrashLog> {
  const builder = new LogBuilder();
  let taken = 0;
  for (const piece of pieces) {
    for (const record of recordsIn(piece)) {
      builder.add(record);
      if (++taken % RECORDS_PER_PIECE === 0) yield;
    }
  }
  return yield* builder.finishInSteps(header);
}

/** The numbers of cells that may have more than one content at the end: in others the disk has the only one. */
function* openCells(log: CrashLog): Steps<Set<number>> {
  const sectors = cellBytes(log) / SECTOR_BYTES;
  /** Of each cell the commands that may show, and -1 for the base. */
  const live = new Map<number, number[]>();
  let taken = 0;
  for (const [
    at,
    { command, sector, sectors: count, arrived, durable },
  ] of log.commands.entries()) {
    const pins = durable !== NEVER && command !== Command.discard;
    // Those before it are gone once it is durable.
    const stays = (one: number): boolean => (log.commands[one]?.answered ?? -1) > arrived;
    const end = (sector + count) / sectors;
    for (let cell = sector / sectors; cell < end; cell++) {
      const before = live.get(cell) ?? [BASE];
      live.set(cell, [...(pins ? before.filter(stays) : before), at]);
      if (++taken % RECORDS_PER_PIECE === 0) yield;
    }
  }
  const open = new Set<number>();
  for (const [cell, shown] of live) {
    if (shown.length > 1) open.add(cell);
    if (++taken % PER_STEP === 0) yield;
  }
  return open;
}

function* baseOf(
  log: CrashLog,
  open: ReadonlySet<number>,
  { base }: JournalNow,
): Steps<BaseData[]> {
  const sectors = cellBytes(log) / SECTOR_BYTES;
  const data: BaseData[] = [];
  for (const cell of open) {
    for (const one of base(cell * sectors, sectors)) data.push(one);
    yield;
  }
  return data;
}

function* counted(
  timeline: Timeline,
  instant: number,
  contents: Int32Array,
): Steps<{ kept: number; lost: number }> {
  const { cells } = timeline;
  let [kept, lost] = [0, 0];
  for (let cell = 0; cell < contents.length; cell++) {
    const [begin, end] = [cells.first[cell] ?? 0, cells.first[cell + 1] ?? 0];
    if (cell % RECORDS_PER_PIECE === 0) yield;
    const found = new Set<number>();
    if (instant < (timeline.baseUntil[cell] ?? 0)) found.add(cells.base[cell] ?? ZEROS);
    for (let slot = begin; slot < end; slot++) {
      if (timeline.isLive(slot, instant)) found.add(cells.content[slot] ?? ZEROS);
    }
    if (found.size < 2) continue;
    if (contents[cell] === cells.content[end - 1]) kept++;
    else lost++;
  }
  return { kept, lost };
}

function* partsOf(timeline: Timeline, contents: Int32Array): ReturnType<Parts> {
  const end = Math.ceil(timeline.log.header.size / SECTOR_BYTES) * SECTOR_BYTES;
  for (const [cell, content] of contents.entries()) {
    yield { ...cellPart(timeline, cell, content, end), isZero: content === ZEROS };
  }
}

type Parts = () => Generator<ImagePart & { readonly isZero: boolean }, void>;
