/** The image that a live cut leaves, beside all that are legal at the end of the journal. */

import { expect, test, vi } from 'vitest';
import { type ChosenImage, chooseImage, type JournalNow } from '../../src/crash/choose-image.ts';
import { Contents } from '../../src/crash/contents.ts';
import { imageParts } from '../../src/crash/image-bytes.ts';
import { parseId } from '../../src/crash/image-id.ts';
import { Legality } from '../../src/crash/legality.ts';
import { crashSite } from '../../src/crash/models.ts';
import { Outcomes } from '../../src/crash/outcomes.ts';
import { PER_STEP } from '../../src/crash/steps.ts';
import { headerBytes, Recorder } from '../../src/driver/journal/recorder.ts';
import { RECORD_BYTES } from '../../src/journal/format.ts';
import { Segments } from '../../src/pages/segments.ts';
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

/** So many writes of a block each, none of them flushed. */
function unflushed(count: number): JournalNow {
  let ns = 0;
  const recorder = new Recorder(
    () => ns++,
    () => true,
    () => {},
  );
  recorder.connected(1);
  for (let id = 1; id <= count; id++) {
    const data = new Segments();
    data.add(Buffer.alloc(512, id % 251), 0, 512);
    recorder.arrived(1, id, 1, 0, (id * 7) % count, 1, data);
    recorder.answered(1, id, 0);
  }
  const head = headerBytes({
    ...{ size: count * 512, block: 512, cache: true, fua: true, atomic: 512 },
    ...{ multiConnection: false, seed: '1', name: 'disk' },
  });
  return { head, pieces: recorder.pieces(), base: () => [] };
}

test.each(['whole', 'torn'] as const)('with keep=%s no step looks at many blocks', (model) => {
  const looks = [
    vi.spyOn(Contents.prototype, 'number'),
    vi.spyOn(Legality.prototype, 'versions'),
    vi.spyOn(Outcomes.prototype, 'unrank'),
  ];
  const seen = (): number[] => looks.map(({ mock }) => mock.calls.length);
  const most = [0, 0, 0];
  const work = chooseImage(unflushed(2000), model, 5);
  for (let [before, done] = [seen(), false]; !done; ) {
    done = work.next().done === true;
    const now = seen();
    for (const [at, count] of now.entries()) {
      most[at] = Math.max(most[at] ?? 0, count - (before[at] ?? 0));
    }
    before = now;
  }
  for (const count of seen()) expect(count).toBeGreaterThanOrEqual(1000);
  for (const count of most) expect(count).toBeLessThanOrEqual(4 * PER_STEP);
  vi.restoreAllMocks();
});

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
