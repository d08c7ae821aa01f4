/** Images, counts, ranks and last instants, beside a twin that simulates a cache in every way. */

import { expect, test } from 'vitest';
import { type CrashSite, crashSite, type Model, models } from '../../src/crash/models.ts';
import { ProductSpace } from '../../src/crash/product-space.ts';
import { testRuns } from '../test-runs.ts';
import { lettersOf } from './letters.ts';
import { journalOf, randomLog, readLog } from './random-log.ts';
import { Twin } from './twin.ts';

/** TNULL_TEST_RUNS=100 makes it 50,000. */
const LOGS = 500;
const LARGE_LOGS = 150;

function compare(one: readonly number[], other: readonly number[]): number {
  const at = one.findIndex((version, place) => version !== other[place]);
  return at < 0 ? 0 : (one[at] ?? 0) - (other[at] ?? 0);
}

/** A rank is a vector, and the vector the rank. */
function expectRanks(space: ProductSpace, instant: number, count: bigint): void {
  const images = space.at(instant);
  for (let rank = 0n; rank < count; rank++) {
    const vector = images.vector(rank);
    if (vector === undefined || images.rank(vector) !== rank) throw new Error(`rank ${rank}`);
  }
}

/** All that a model says of a log. */
function said(site: CrashSite) {
  const { space } = site;
  const legal = space.legal().map((count, instant) => {
    const images = Array.from({ length: Number(count) }, (_, rank) =>
      lettersOf(site, { instant, rank: BigInt(rank) }),
    );
    if (space instanceof ProductSpace) expectRanks(space, instant, count);
    const none = space.contents({ instant, rank: count });
    return none === undefined ? images : [...images, 'and more'];
  });
  const listed = [...space.images()].map((image) => ({
    instant: image.instant,
    rank: Number(image.rank),
  }));
  return { legal, distinct: Number(space.distinct()), listed };
}

/** The same from the twin. */
function expected(twin: Twin, model: Model) {
  const legal = twin.instants.map((_, instant) =>
    [...twin.images(model, instant)]
      .map((image) => ({ image, vector: twin.vector(image) }))
      .sort((a, b) => compare(a.vector, b.vector))
      .map(({ image }) => image),
  );
  const listed = legal.flatMap((images, instant) =>
    images.flatMap((image, rank) =>
      legal.slice(instant + 1).some((later) => later.includes(image)) ? [] : [{ instant, rank }],
    ),
  );
  return { legal, distinct: new Set(legal.flat()).size, listed };
}

function expectAlike(model: Model, count: number, size: 'small' | 'large'): void {
  for (let seed = 1; seed <= count; seed++) {
    const log = randomLog(seed, size);
    const site = crashSite(readLog(journalOf(log)), model);
    const twin = new Twin(log);
    const context = `seed ${seed}: ${JSON.stringify(log)}`;
    const [ours, theirs] = [said(site), expected(twin, model)];
    if (JSON.stringify(ours) !== JSON.stringify(theirs)) expect(ours, context).toEqual(theirs);
  }
}

test.each(models)('%s: images, ranks and last instants are those of the twin', (model) => {
  expectAlike(model, testRuns(LOGS), 'small');
});

test('whole: so they are where more commands overlap', () => {
  expectAlike('whole', testRuns(LARGE_LOGS), 'large');
});
