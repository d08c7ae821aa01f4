/** The order of exploring: what comes first, all of it where it fits, each content once and at its last instant. */

import { expect, test } from 'vitest';
import { exploring } from '../../src/crash/exploring.ts';
import { idText, parseId } from '../../src/crash/image-id.ts';
import { crashSite, type Model, models } from '../../src/crash/models.ts';
import { testRuns } from '../test-runs.ts';
import { lettersOf } from './letters.ts';
import { journalOf, randomLog, readLog } from './random-log.ts';
import { script } from './script.ts';
import { Twin } from './twin.ts';

const LOGS = 150;

type Log = ReturnType<typeof script>;

function tried(log: Log, model: Model, limit = 1e9, seed = 1): { id: string; image: string }[] {
  const read = readLog(journalOf(log));
  const site = crashSite(read, model);
  return Array.from(exploring(site, { model, limit, seed }), (id) => {
    const own = crashSite(read, id.model);
    return { id: idText(id), image: lettersOf(own, id) };
  });
}

test('what is durable, prefixes, one lost, one kept, then the rest', () => {
  const log = script('a@0 b@1 /a@0 c@2 F', { base: '...' });
  expect(tried(log, 'torn').map(({ image }) => image)).toEqual([
    ...['...', 'a..', 'ab.', 'abc'],
    ...['.bc', 'a.c', '.b.', '..c'],
  ]);
});

test('pairs come before all else', () => {
  const log = script('abcd@0', { base: '....' });
  const images = tried(log, 'torn').map(({ image }) => image);
  const lost = images.map((image) => [...image].filter((letter) => letter === '.').length);
  expect(lost.slice(0, 2)).toEqual([4, 0]);
  expect(lost.slice(2, 10).every((count) => count === 1 || count === 3)).toBe(true);
  expect(lost.slice(10).every((count) => count === 2)).toBe(true);
  expect(new Set(images).size).toBe(16);
});

test.each(models)('%s: without a limit every image comes, once, at its last instant', (model) => {
  for (let seed = 1; seed <= testRuns(LOGS); seed++) {
    const log = randomLog(seed);
    const twin = new Twin(log);
    const all = twin.instants.map((_, instant) => twin.images(model, instant));
    const ours = tried(log, model);
    const images = ours.map(({ image }) => image);
    const context = `seed ${seed}: ${JSON.stringify(log)}`;
    expect(new Set(images).size, context).toBe(images.length);
    expect(new Set(images), context).toEqual(new Set(all.flatMap((some) => [...some])));
    for (const { id, image } of ours) {
      const { model: own = model, instant = -1 } = parseId(id) ?? {};
      const legal = twin.instants.map((_, at) => twin.images(own, at).has(image));
      expect(legal.lastIndexOf(true), `${context} ${id}`).toBe(instant);
    }
  }
});

test('samples: as many as the limit, the same for the same seed, others for another', () => {
  const log = script(`${'ab'.repeat(20)}@0 F /F c!@3 /c!@3 de@4`, { base: '.'.repeat(40) });
  const [one, again, other] = [7, 7, 8].map((seed) => tried(log, 'torn', 4000, seed));
  expect(one).toHaveLength(4000);
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);
  expect(new Set(one?.map(({ image }) => image)).size).toBe(4000);
});
