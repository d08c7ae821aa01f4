/** Runs seed after seed in one process, and counts. Says nothing and knows no other process. */

import type { Failure } from './failure.ts';
import type { Options } from './options.ts';
import { drawPlan, type Limits, OPERATIONS_MAX } from './plan.ts';
import { Simulation } from './simulation.ts';

/** What a process has done so far. */
export interface Tally {
  readonly runs: number;
  readonly operations: number;
  /** Of this process, in ms. */
  readonly cpuMs: number;
  /** In the order in which they were found. */
  readonly failed: readonly Failed[];
}

export interface Failed {
  readonly seed: number;
  readonly limits: Limits;
  readonly failure: Failure;
  readonly operations: number;
}

export const NOTHING: Tally = { runs: 0, operations: 0, cpuMs: 0, failed: [] };

/** One run. */
type Run = (
  seed: number,
  limits: Limits,
) => Promise<{ readonly operations: number; readonly failure: Failure | undefined }>;

const simulate: Run = (seed, limits) => new Simulation(drawPlan(seed, limits)).run();

/** @param told after each run; @returns false there: no further one is wanted. */
export async function work(
  options: Options,
  told: (tally: Tally) => boolean,
  run = simulate,
): Promise<Tally> {
  const { runs, every, operations: all } = options;
  const end = performance.now() + options.seconds * 1000;
  let tally = NOTHING;
  const more = (): boolean =>
    tally.runs < runs && tally.operations < all && performance.now() < end;
  for (let seed = options.seed; more(); seed += every) {
    const limits = cutTo(options.limits, all - tally.operations);
    const { failure, operations } = await run(seed, limits);
    const { user, system } = process.cpuUsage();
    tally = {
      runs: tally.runs + 1,
      operations: tally.operations + operations,
      cpuMs: (user + system) / 1000,
      failed:
        failure === undefined
          ? tally.failed
          : [...tally.failed, { seed, limits, failure, operations }],
    };
    if (!told(tally) || (failure !== undefined && !options.keepGoing)) break;
  }
  return tally;
}

/** The sum of all. */
export function sumOf(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (all, one) => ({
      runs: all.runs + one.runs,
      operations: all.operations + one.operations,
      cpuMs: all.cpuMs + one.cpuMs,
      failed: [...all.failed, ...one.failed],
    }),
    NOTHING,
  );
}

/** A run that asks for no more than is left is as its seed says. */
function cutTo(limits: Limits, left: number): Limits {
  if (left >= (limits.operations ?? OPERATIONS_MAX)) return limits;
  return { ...limits, operations: left };
}
