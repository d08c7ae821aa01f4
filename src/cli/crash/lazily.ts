/** Exploring in the order `lazy`: at each instant the check is run again and again, each time with the last choice
 *  made in another way, until all that it reads was tried. Source: crash.md section 5. */

import type { ImageId } from '../../crash/image-id.ts';
import { type Decision, LazyImage, nextPlan } from '../../crash/lazy-image.ts';
import type { Model } from '../../crash/models.ts';
import type { ProductSpace } from '../../crash/product-space.ts';
import type { Timeline } from '../../crash/timeline.ts';
import { bug } from '../../units.ts';
import { isFailure, type Outcome, type Shard } from '../outcome.ts';
import type { LoopResult } from './loop.ts';

export interface LazyOptions<T extends Outcome> {
  readonly timeline: Timeline;
  readonly space: ProductSpace;
  readonly model: Model;
  /** The first instant. */
  readonly from: number;
  readonly limit: number;
  /** Of instants. */
  readonly shard: Shard;
  readonly jobs: number;
  readonly keepGoing: boolean;
  /** What the check writes may be lost again. */
  readonly again: boolean;
  readonly signal: AbortSignal;
  /** Runs the check on an image that is decided meanwhile. @param id of the image as it is afterwards. @returns what came of it, and of
   *  what followed from it. */
  readonly run: (
    lazy: LazyImage,
    id: () => ImageId,
    n: number,
    lane: number,
  ) => Promise<readonly T[]>;
  readonly onTried: (tried: readonly T[]) => void;
}

export async function lazily<T extends Outcome & { n: number }>(
  options: LazyOptions<T>,
): Promise<LoopResult<T>> {
  const { timeline, space, model, from, limit, shard, jobs, keepGoing, signal } = options;
  const tried: T[] = [];
  let [n, diverged, instant] = [0, 0, from + shard.index - 1];
  let failed = false;
  const isOver = (): boolean => signal.aborted || n >= limit || (failed && !keepGoing);
  const lane = async (at: number): Promise<void> => {
    while (instant < timeline.count) {
      const here = instant;
      instant += shard.of;
      const images = space.at(here);
      let plan: readonly Decision[] | undefined = [];
      while (plan !== undefined) {
        if (isOver()) return;
        const lazy = new LazyImage(images, timeline, plan, options.again);
        const id = (): ImageId => {
          const rank = images.rank(lazy.vector) ?? bug('an image that is not legal');
          return { model, instant: here, rank };
        };
        const results = await options.run(lazy, id, n++, at);
        if (signal.aborted) return;
        tried.push(...results);
        if (results.some(isFailure)) failed = true;
        options.onTried(results);
        // Without the same reads nothing is known of what was tried: this could go on for ever.
        if (lazy.hasDiverged) diverged++;
        plan = lazy.hasDiverged ? undefined : nextPlan(lazy.decisions);
      }
    }
  };
  await Promise.all(Array.from({ length: jobs }, (_, at) => lane(at)));
  const all = diverged > 0 ? 'reads differ' : 'every image';
  const end = failed && !keepGoing ? 'failure' : n >= limit ? 'limit' : all;
  return {
    tried: tried.toSorted((a, b) => a.n - b.n),
    end: signal.aborted ? 'interrupted' : end,
    count: n,
    diverged,
  };
}
