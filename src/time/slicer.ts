/** Long work of the control side, in slices: between two slices the event loop, and so all clients, have
 *  their turn. All such work of a daemon shares one slice per turn, however much there is.
 *  Knows no work: it comes as generators that yield after each small piece. */

import type { Clock, Scheduler } from './clock.ts';

/** Work that can be interrupted wherever it yields. From one yield to the next it takes some 20 us,
 *  whatever the size of the whole. */
export type Work<T = void> = Generator<undefined, T, undefined>;

/** How much longer a client may wait in each turn. */
const SLICE_NS = 200_000;
/** Pieces in a slice, for a clock that stands still. */
const PIECES_MAX = 32;

/** INVARIANT: `#begun` while there are jobs, outside of `#work`. */
export class Slicer {
  readonly #clock: Clock;
  readonly #scheduler: Pick<Scheduler, 'immediate'>;
  readonly #jobs: Job[] = [];
  /** This turn's slice has begun, and the next turn is asked for. */
  #begun = false;
  #working = false;
  /** What this turn's slice has left: until when, and how many pieces. */
  #end = 0;
  #pieces = 0;

  constructor(clock: Clock, scheduler: Pick<Scheduler, 'immediate'>) {
    this.#clock = clock;
    this.#scheduler = scheduler;
  }

  /** Carries `work` out. What fits into this turn's slice is done at once; the rest waits behind earlier
   *  work. Rejects with what `work` throws. */
  run<T>(work: Work<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#jobs.push(jobOf(work, resolve, reject));
      if (!this.#begun) this.#begin();
      this.#work();
    });
  }

  #begin(): void {
    this.#begun = true;
    this.#end = this.#clock.now() + SLICE_NS;
    this.#pieces = PIECES_MAX;
    this.#scheduler.immediate(() => {
      this.#begun = false;
      if (this.#jobs.length === 0) return;
      this.#begin();
      this.#work();
    });
  }

  /** A piece of each job in turn, until the slice is over. */
  #work(): void {
    // A piece may ask for more work: it waits like any other.
    if (this.#working) return;
    this.#working = true;
    while (this.#pieces > 0) {
      const job = this.#jobs.shift();
      if (job === undefined) break;
      this.#pieces--;
      if (!job()) this.#jobs.push(job);
      if (this.#clock.now() >= this.#end) this.#pieces = 0;
    }
    this.#working = false;
  }
}

/** Short work as a single piece, so that many of them make no long turn either. */
// biome-ignore lint/correctness/useYield: there is nothing to interrupt
export function* onePiece<T>(work: () => T): Work<T> {
  return work();
}

/** Ends in a later turn where this one's slice is used up. */
export function* nextTurn(): Work {
  yield;
}

/** Carries `work` out without a pause: if it is known to be short, or if nobody waits. */
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
