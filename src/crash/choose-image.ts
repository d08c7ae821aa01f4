/** One image of those that a power cut may leave now, by dice: for cuts of a device that keeps a journal.
 *  Source: crash.md section 4. */

import { JournalDecoder } from '../journal/decoder.ts';
import type { JournalHeader } from '../journal/format.ts';
import { recordsIn } from '../journal/records.ts';
import { bug, SECTOR_BYTES } from '../units.ts';
import { makeCells } from './cells.ts';
import { ZEROS } from './contents.ts';
import { Dice } from './dice.ts';
import { cellPart, type ImagePart } from './image-bytes.ts';
import { idText } from './image-id.ts';
import { InstantImages } from './instant-images.ts';
import { Legality } from './legality.ts';
import { type BaseData, type CrashLog, LogBuilder } from './log.ts';
import { cutPieces } from './pieces.ts';
import { Timeline } from './timeline.ts';

/** Records taken in some 20 us. */
const RECORDS_PER_PIECE = 32;

/** A journal in memory. */
export interface JournalNow {
  /** A file's first bytes, up to the end of the header. */
  readonly head: Uint8Array;
  /** The records that are no data of the base, whole ones in each. */
  readonly pieces: readonly Uint8Array[];
  /** The base's data in these sectors, where they are not zeros. */
  base(sector: number, sectors: number): Iterable<BaseData>;
}

export interface ChosenImage {
  readonly id: string;
  /** Of the blocks that may have more than one content, how many have the newest. */
  readonly kept: number;
  readonly lost: number;
  /** Each block that any command wrote, and no other. */
  readonly parts: Iterable<ImagePart & { readonly isZero: boolean }>;
}

/** In pieces, as far as records are read. */
export function* chooseImage(
  journal: JournalNow,
  model: 'whole' | 'torn',
  seed: number,
): Generator<undefined, ChosenImage, undefined> {
  const decoder = new JournalDecoder();
  // The head has no record.
  decoder.push(journal.head).next();
  const log = yield* logOf(decoder.header, journal);
  const timeline = new Timeline(log, makeCells(log, false));
  yield;
  const instant = timeline.count - 1;
  const pieces = cutPieces(timeline.cells, model === 'whole' ? undefined : log.header.atomic);
  const images = new InstantImages(new Legality(timeline, pieces, false), instant);
  yield;
  const rank = new Dice(seed).below(images.legal);
  const vector = images.vector(rank) ?? bug('a rank that is below their number');
  const contents = vector.map((version, cell) => timeline.contentOf(cell, version));
  const { kept, lost } = counted(timeline, instant, contents);
  return { id: idText({ model, instant, rank }), kept, lost, parts: partsOf(timeline, contents) };
}

function* logOf(
  header: JournalHeader,
  { pieces, base }: JournalNow,
): Generator<undefined, CrashLog, undefined> {
  const builder = new LogBuilder();
  let taken = 0;
  for (const piece of pieces) {
    for (const record of recordsIn(piece)) {
      builder.add(record);
      if (++taken % RECORDS_PER_PIECE === 0) yield;
    }
  }
  const log = builder.finish(header);
  yield;
  // Where nobody wrote there is no choice.
  const data: BaseData[] = [];
  for (const [first, end] of touched(log)) {
    for (const one of base(first, end - first)) {
      data.push(one);
      yield;
    }
  }
  return { ...log, base: data };
}

/** Sectors of the blocks of all commands, in order; those that touch as one. */
function touched({ header, commands }: CrashLog): [number, number][] {
  const block = header.block / SECTOR_BYTES;
  const size = Math.ceil(header.size / SECTOR_BYTES);
  const ranges = commands.map(({ sector, sectors }): [number, number] => [
    Math.floor(sector / block) * block,
    Math.min(Math.ceil((sector + sectors) / block) * block, size),
  ]);
  const joined: [number, number][] = [];
  for (const [first, end] of ranges.sort(([a], [b]) => a - b)) {
    const last = joined.at(-1);
    if (last !== undefined && first <= last[1]) last[1] = Math.max(last[1], end);
    else joined.push([first, end]);
  }
  return joined;
}

function counted(
  timeline: Timeline,
  instant: number,
  contents: Int32Array,
): { kept: number; lost: number } {
  const { cells } = timeline;
  let [kept, lost] = [0, 0];
  for (let cell = 0; cell < contents.length; cell++) {
    const [begin, end] = [cells.first[cell] ?? 0, cells.first[cell + 1] ?? 0];
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
