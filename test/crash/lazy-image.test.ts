/** Images that are decided while they are read: all that a reader can see, and nothing twice. */

import { expect, test } from 'vitest';
import { type Decision, LazyImage, nextPlan } from '../../src/crash/lazy-image.ts';
import { type CrashSite, crashSite } from '../../src/crash/models.ts';
import { ProductSpace } from '../../src/crash/product-space.ts';
import { testRuns } from '../test-runs.ts';
import { lettersOfContents } from './letters.ts';
import { dice, journalOf, randomLog, readLog } from './random-log.ts';
import { script } from './script.ts';

/** A recovery that reads a sector, and what it holds says where it reads and writes next. */
function recover(
  seed: number,
  sectors: number,
  read: (at: number) => string,
  write: (at: number) => void,
) {
  const seen: string[] = [];
  let at = seed % sectors;
  for (let step = 0; step < 3; step++) {
    const letter = read(at);
    seen.push(`${at}${letter}`);
    const code = letter.charCodeAt(0) * 7 + seed + step;
    if (code % 5 === 0) write((at + 1) % sectors);
    at = (at + 1 + (code % sectors)) % sectors;
  }
  return seen.join(' ');
}

/** What it sees on one image. */
function seenOn(letters: string, seed: number): string {
  const image = [...letters];
  return recover(
    seed,
    image.length,
    (at) => image[at] ?? '',
    (at) => (image[at] = 'z'),
  );
}

function lazily(
  site: CrashSite,
  instant: number,
  seed: number,
): { seen: Set<string>; runs: number } {
  const { timeline, space } = site;
  if (!(space instanceof ProductSpace)) throw new Error('no components');
  const images = space.at(instant);
  const seen = new Set<string>();
  let runs = 0;
  for (let plan: Decision[] | undefined = []; plan !== undefined; ) {
    const lazy = new LazyImage(images, timeline, plan);
    const content = (): string => {
      const contents = lazy.vector.map((version, cell) => timeline.contentOf(cell, version));
      return lettersOfContents(timeline, contents);
    };
    const written = new Map<number, string>();
    const result = recover(
      seed,
      content().length,
      (at) => {
        lazy.reads(at * 512, (at + 1) * 512);
        return written.get(at) ?? content()[at] ?? '';
      },
      (at) => {
        lazy.changes(at * 512, (at + 1) * 512);
        written.set(at, 'z');
      },
    );
    expect(lazy.hasDiverged).toBe(false);
    seen.add(result);
    runs++;
    plan = nextPlan(lazy.decisions);
  }
  return { seen, runs };
}

test('a recovery sees all that it sees on all images, in fewer runs', () => {
  let [few, many] = [0, 0];
  for (let seed = 1; seed <= testRuns(60); seed++) {
    const log = randomLog(seed);
    const model = dice(seed)() < 0.5 ? 'torn' : 'whole';
    const site = crashSite(readLog(journalOf(log)), model);
    for (const [instant, count] of site.space.legal().entries()) {
      const full = new Set<string>();
      for (let rank = 0n; rank < count; rank++) {
        const contents = site.space.contents({ instant, rank }) ?? new Int32Array();
        full.add(seenOn(lettersOfContents(site.timeline, contents), seed));
      }
      const { seen, runs } = lazily(site, instant, seed);
      expect(seen, `seed ${seed} instant ${instant}`).toEqual(full);
      expect(runs).toBeLessThanOrEqual(Number(count));
      few += runs;
      many += Number(count);
    }
  }
  expect(few).toBeLessThan(many);
});

test('blocks that are never read are not multiplied', () => {
  const line = script('abcdefghijkl@0', { base: '.'.repeat(12) });
  const site = crashSite(readLog(journalOf(line)), 'torn');
  expect(site.space.legal()).toEqual([4096n]);
  expect(lazily(site, 0, 1).runs).toBeLessThanOrEqual(8);
});

test('a reader that reads otherwise than before is found out', () => {
  const site = crashSite(readLog(journalOf(script('abc@0', { base: '...' }))), 'torn');
  const { timeline, space } = site;
  if (!(space instanceof ProductSpace)) throw new Error('no components');
  const images = space.at(0);
  const first = new LazyImage(images, timeline, []);
  first.reads(0, 512);
  const plan = nextPlan(first.decisions) ?? [];
  const again = new LazyImage(images, timeline, plan);
  again.reads(512, 1024);
  expect(again.hasDiverged).toBe(true);
});

test('so is one that reads less', () => {
  const site = crashSite(readLog(journalOf(script('abc@0', { base: '...' }))), 'torn');
  const { timeline, space } = site;
  if (!(space instanceof ProductSpace)) throw new Error('no components');
  const images = space.at(0);
  const first = new LazyImage(images, timeline, []);
  first.reads(0, 1024);
  const again = new LazyImage(images, timeline, nextPlan(first.decisions) ?? []);
  again.reads(0, 512);
  expect(again.hasDiverged).toBe(true);
  again.reads(512, 1024);
  expect(again.hasDiverged).toBe(false);
});
