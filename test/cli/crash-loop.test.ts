/** Which images are tried, without processes. Source: crash.md section 5. */

import { expect, test } from 'vitest';
import { loop } from '../../src/cli/crash/loop.ts';
import type { ImageId } from '../../src/crash/image-id.ts';

function options(images: Iterator<ImageId | undefined>, signal: AbortSignal) {
  return {
    ...{ images, signal, shard: { index: 1, of: 1 }, jobs: 2, keepGoing: true },
    run: async (image: ImageId, n: number) => [
      { n, image, outcome: 'ok', status: 0, ms: 0 } as const,
    ],
    onTried: () => {},
  };
}

test('a signal ends a search for the next image, however long it takes', async () => {
  const interrupt = new AbortController();
  function* nothing(): Generator<undefined> {
    for (;;) yield undefined;
  }
  setImmediate(() => interrupt.abort());
  const { end, tried } = await loop(options(nothing(), interrupt.signal));
  expect([end, tried]).toEqual(['interrupted', []]);
});

test('images that were looked for long are tried in their order', async () => {
  const image = (instant: number): ImageId => ({ model: 'torn', instant, rank: 0n });
  const images = [undefined, image(0), undefined, undefined, image(1), image(2)];
  const { end, tried, count } = await loop(options(images.values(), new AbortController().signal));
  expect([end, count]).toEqual(['every image', 3]);
  expect(tried.map((one) => one.image.instant)).toEqual([0, 1, 2]);
});
