/** Requests that reset all zones, in pieces: with millions of zones one takes as long as thousands of other
 *  requests, which come in between. Source: driver.md section 6, Ranges. */

import { Status } from '../../block/status.ts';
import type { Slicer, Work } from '../../time/slicer.ts';
import type { Complete, NullOwned } from '../completion.ts';
import { refusalText } from './refusal.ts';
import type { OnRefused } from './zone-rules.ts';
import type { ZoneSet } from './zone-set.ts';

export interface ResetAllParts {
  readonly zones: ZoneSet;
  readonly slicer: Slicer;
  readonly complete: Complete;
  readonly onRefused: OnRefused;
}

interface Job {
  readonly request: NullOwned;
}

/** INVARIANT: the request of a job of `#underWay` has not ended. */
export class ResetAll {
  readonly #parts: ResetAllParts;
  readonly #underWay = new Set<Job>();

  constructor(parts: ResetAllParts) {
    this.#parts = parts;
  }

  get busy(): boolean {
    return this.#underWay.size > 0;
  }

  /** Carries out ZONE_RESET_ALL and completes it; at once if one slice is enough. */
  take(request: NullOwned): void {
    const job = { request };
    this.#underWay.add(job);
    void this.#parts.slicer.run(this.#work(job));
  }

  /** Ends all of them with `status`: no other zone is reset. */
  giveUp(status: Status): void {
    const given = [...this.#underWay];
    this.#underWay.clear();
    for (const { request } of given) request.end(status);
  }

  *#work(job: Job): Work {
    const { request } = job;
    const { zones, complete, onRefused } = this.#parts;
    const steps = zones.resetAll();
    let step = steps.next();
    for (; !step.done; step = steps.next()) {
      yield;
      if (!this.#underWay.has(job)) return;
    }
    this.#underWay.delete(job);
    if (step.value !== Status.OK) {
      onRefused(refusalText(zones, request, step.value), request);
      request.setStatus(step.value);
    }
    complete(request);
  }
}
