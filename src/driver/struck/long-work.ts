/** Work on commands that rules struck which is too long for one turn: data changed byte by byte, writes
 *  torn into thousands of parts. A slice a turn for all of a device together, so that other clients wait
 *  for no more than that. */

import type { Deferred, DeferredWork } from '../../time/deferred.ts';

/** Bytes changed in one turn: well below a millisecond. */
export const TURN_BYTES = 32 << 10;
/** What a part of a torn write counts for. */
export const PART_BYTES = 2 << 10;

export interface LongJob {
  /** Does work that counts for about `bytes`. It begins anew with `LongWork.later` if there is more.
   *  @returns for how many it counted. */
  proceed(bytes: number): number;
}

export class LongWork implements DeferredWork {
  raised = false;
  readonly #deferred: Pick<Deferred, 'raiseNextTurn'>;
  #jobs: LongJob[] = [];

  constructor(deferred: Pick<Deferred, 'raiseNextTurn'>) {
    this.#deferred = deferred;
  }

  /** `job` goes on in the next turn. */
  later(job: LongJob): void {
    this.#jobs.push(job);
    this.#deferred.raiseNextTurn(this);
  }

  runDeferred(): void {
    const jobs = this.#jobs;
    this.#jobs = [];
    let left = TURN_BYTES;
    let done = 0;
    for (const job of jobs) {
      if (left <= 0) break;
      left -= job.proceed(left);
      done++;
    }
    // Who came too short is the first of the next turn.
    this.#jobs.unshift(...jobs.slice(done));
    if (this.#jobs.length > 0) this.#deferred.raiseNextTurn(this);
  }
}
