/** Long work of the control side, in slices: between two of them the event loop has its turn, and so
 *  have all clients. All such work of a daemon shares one slice a turn, however many ask at once.
 *  Knows no work: it comes as generators that yield after each small piece. */

import type { Clock, Scheduler } from './clock.ts';

/** Work that can be interrupted wherever it yields. From one yield to the next it takes some 20 us,
 *  whatever the size of the whole. */
export type Work<T = void> = Generator<undefined, T, undefined>;

/** Of each turn: what a client may wait for longer than without. */
const SLICE_NS = 200_000;
/** Pieces in a slice, for a clock that stands still. */
const PIECES_MAX = 32;

/** INVARIANT: `#scheduled` when there are jobs, outside of `#slice`. */
export class Slicer {
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  #jobs: Job[] = [];
  /** This turn's slice has begun, and the next turn is asked for. */
  #scheduled = false;
  #working = false;

  constructor(clock: Clock, scheduler: Scheduler) {
    this.#clock = clock;
    this.#scheduler = scheduler;
  }

  /** Carries `work` out. What fits into this turn's slice is done at once; the rest waits behind what
   *  came before. Rejects with what `work` throws. */
  run<T>(work: Work<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#jobs.push(jobOf(work, resolve, reject));
      if (!this.#scheduled) this.#slice();
    });
  }

  /** A piece of each job in turn, as far as the time goes. */
  #slice(): void {
    // A piece may ask for more work: it waits like any other.
    if (this.#working) return;
    this.#working = true;
    this.#scheduled = true;
    this.#scheduler.immediate(() => {
      this.#scheduled = false;
      if (this.#jobs.length > 0) this.#slice();
    });
    const end = this.#clock.now() + SLICE_NS;
    for (let pieces = 0; pieces < PIECES_MAX; pieces++) {
      const job = this.#jobs.shift();
      if (job === undefined) break;
      if (!job()) this.#jobs.push(job);
      if (this.#clock.now() >= end) break;
    }
    this.#working = false;
  }
}

/** Carries `work` out without a pause: where it is known to be short, or where nobody waits. */
export function atOnce<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** Does one piece. @returns whether it was the last one. */
type Job = () => boolean;

function jobOf<T>(
  work: Work<T>,
  resolve: (value: T) => void,
  reject: (reason: unknown) => void,
): Job {
  return () => {
    try {
      const step = work.next();
      if (step.done) resolve(step.value);
      return step.done === true;
    } catch (error) {
      reject(error);
      return true;
    }
  };
}
