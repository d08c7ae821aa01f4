/** The image that a live cut leaves, beside all that are legal at the end of the journal. */

import { expect, test } from 'vitest';
import { type ChosenImage, chooseImage, type JournalNow } from '../../src/crash/choose-image.ts';
import { imageParts } from '../../src/crash/image-bytes.ts';
import { parseId } from '../../src/crash/image-id.ts';
import { crashSite } from '../../src/crash/models.ts';
import { RECORD_BYTES } from '../../src/journal/format.ts';
import { testRuns } from '../test-runs.ts';
import { bytesOf, journalOf, randomLog, readLog } from './random-log.ts';
import type { TwinLog } from './twin.ts';

const IMAGES_MAX = 300n;

/** As a device has it in memory. */
function now(log: TwinLog, journal: Buffer): JournalNow {
  const head = 12 + journal.readUInt32LE(8);
  const data = bytesOf(log.base);
  const hasBase = data.some((byte) => byte !== 0);
  return {
    head: journal.subarray(0, head),
    pieces: [journal.subarray(head + (hasBase ? RECORD_BYTES + data.length : 0))],
    base: (sector, sectors) => [
      { sector, data: data.slice(sector * 512, (sector + sectors) * 512) },
    ],
  };
}

function chosen(journal: JournalNow, model: 'whole' | 'torn', seed: number): ChosenImage {
  const work = chooseImage(journal, model, seed);
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}

function expectChosen(log: TwinLog, model: 'whole' | 'torn', seed: number): void {
  const journal = Buffer.from(journalOf(log));
  const { timeline, space } = crashSite(readLog(journal), model);
  const size = log.base.length * 512;
  const image = (rank: bigint, instant: number): Buffer => {
    const contents = space.contents({ instant, rank });
    if (contents === undefined) throw new Error(`there is no ${model}.${instant}.${rank}`);
    const all = Buffer.alloc(size);
    for (const { offset, bytes } of imageParts(timeline, contents)) all.set(bytes, offset);
    return all;
  };
  const { id, parts } = chosen(now(log, journal), model, seed);
  const { instant = -1, rank = -1n } = parseId(id) ?? {};
  expect(instant).toBe(timeline.count - 1);
  const expected = image(rank, instant);
  const left = Buffer.alloc(size);
  const isLeft = new Uint8Array(size);
  for (const { offset, bytes, isZero } of parts) {
    left.set(bytes, offset);
    isLeft.fill(1, offset, offset + bytes.length);
    if (isZero !== bytes.every((byte) => byte === 0)) throw new Error('zeros');
  }
  // What it leaves as it is has but one content.
  const legal = space.legal()[instant] ?? 0n;
  for (let one = 0n; one < legal && one < IMAGES_MAX; one++) {
    const other = image(one, instant);
    for (let at = 0; at < size; at += 512) {
      if (isLeft[at] === 0 && other[at] !== expected[at]) throw new Error(`byte ${at} of ${id}`);
      if (isLeft[at] === 1 && left[at] !== expected[at]) throw new Error(`byte ${at} of ${id}`);
    }
  }
}

test.each(['whole', 'torn'] as const)(
  'what a cut with keep=%s leaves is the image of its id, and it touches nothing else',
  (model) => {
    for (let seed = 1; seed <= testRuns(300); seed++) {
      const log = randomLog(seed);
      try {
        expectChosen(log, model, seed);
      } catch (error) {
        throw new Error(`log ${seed}`, { cause: error });
      }
    }
  },
);
