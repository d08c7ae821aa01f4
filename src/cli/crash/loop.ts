/** Which images are tried, by how many lanes, and when it ends. Knows no processes. Source: crash.md section 5. */

import { setImmediate } from 'node:timers/promises';
import type { ImageId } from '../../crash/image-id.ts';
import { isFailure, type Outcome, type Shard } from '../outcome.ts';
import type { End } from './report.ts';

export interface LoopOptions<T extends Outcome> {
  /** In the order in which they are tried; undefined: looking for the next one goes on. */
  readonly images: Iterator<ImageId | undefined, unknown>;
  readonly shard: Shard;
  readonly jobs: number;
  readonly keepGoing: boolean;
  readonly signal: AbortSignal;
  /** @param n the image's place in the order, from 0 on. @param lane one image at a time in each.
   *  @returns what came of it, and of what followed from it. */
  readonly run: (image: ImageId, n: number, lane: number) => Promise<readonly T[]>;
  readonly onTried: (tried: readonly T[]) => void;
}

export interface LoopResult<T> {
  readonly tried: readonly T[];
  readonly end: End;
  /** Images of all shards that were come to. */
  readonly count: number;
  /** How often a check read otherwise than before: in this order nobody looks. */
  readonly diverged: number;
}

/** Rejects with what a run rejects with. */
export async function loop<T extends Outcome & { n: number }>({
  images,
  shard,
  jobs,
  keepGoing,
  signal,
  run,
  onTried,
}: LoopOptions<T>): Promise<LoopResult<T>> {
  const tried: T[] = [];
  let count = 0;
  let failed = false;
  /** The next one that is ours. */
  const next = async (): Promise<{ image: ImageId; n: number } | undefined> => {
    while (!signal.aborted) {
      const one = images.next();
      if (one.done === true) return undefined;
      if (one.value === undefined) {
        await setImmediate(); // signals are heard
        continue;
      }
      const n = count++;
      if (n % shard.of === shard.index - 1) return { image: one.value, n };
    }
    return undefined;
  };
  const lane = async (at: number): Promise<void> => {
    for (;;) {
      if ((failed && !keepGoing) || signal.aborted) return;
      const one = await next();
      if (one === undefined) return;
      const results = await run(one.image, one.n, at);
      if (signal.aborted) return;
      tried.push(...results);
      if (results.some(isFailure)) failed = true;
      onTried(results);
    }
  };
  await Promise.all(Array.from({ length: jobs }, (_, at) => lane(at)));
  const stopped = failed && !keepGoing;
  return {
    tried: tried.toSorted((a, b) => a.n - b.n),
    end: signal.aborted ? 'interrupted' : stopped ? 'failure' : 'every image',
    count,
    diverged: 0,
  };
}
