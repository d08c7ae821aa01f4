/** Which runs a sweep makes, and when it ends. Knows no processes. Source: faults.md section 2 (Sweep). */

import { isFailure } from '../outcome.ts';
import type { SweepCommand } from './arguments.ts';
import type { End, Run } from './report.ts';

export interface Result {
  /** By n. */
  readonly runs: readonly Run[];
  readonly end: End;
}

export interface LoopOptions
  extends Pick<SweepCommand, 'from' | 'to' | 'shard' | 'jobs' | 'keepGoing'> {
  /** One run; @param lane from 0 up to the number of jobs: one at a time in each. */
  readonly run: (n: number, lane: number) => Promise<Run>;
  /** Called after each run. */
  readonly onRun: (run: Run) => void;
  readonly signal: AbortSignal;
}

/** Rejects with what a run rejects with. */
export async function loop(options: LoopOptions): Promise<Result> {
  const { from, to, shard, jobs, keepGoing, run, onRun, signal } = options;
  const runs: Run[] = [];
  let next = from + shard.index - 1;
  /** The lowest n that did not strike. */
  let last = Number.POSITIVE_INFINITY;
  let failed = false;
  const lane = async (at: number): Promise<void> => {
    for (;;) {
      const n = next;
      if (n > to || n > last || (failed && !keepGoing) || signal.aborted) return;
      next += shard.of;
      const made = await run(n, at);
      if (signal.aborted) return;
      runs.push(made);
      if (made.struck.length === 0) last = Math.min(last, n);
      if (isFailure(made)) failed = true;
      onRun(made);
    }
  };
  await Promise.all(Array.from({ length: jobs }, (_, at) => lane(at)));
  // What began beside the last one, and was not struck either, says nothing new.
  const told = runs.filter((one) => one.n <= last || one.struck.length > 0 || isFailure(one));
  const stopped = failed && !keepGoing;
  const end = last <= to ? 'every chance taken' : 'limit';
  return {
    runs: told.toSorted((a, b) => a.n - b.n),
    end: signal.aborted ? 'interrupted' : stopped ? 'failure' : end,
  };
}
