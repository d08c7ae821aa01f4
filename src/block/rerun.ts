/** Runs a hardware queue again after a resource status if nothing else does so earlier: by then the driver
 *  may have what it lacked.
 *  Source: driver.md section 2 (resource status). */

import type { DeferredWork } from '../time/deferred.ts';
import { Timer, type TimerTarget } from '../time/timer-queue.ts';
import type { Nanoseconds } from '../units.ts';
import type { BlockContext } from './context.ts';

/** How long after a resource status a queue that is not stopped runs again. */
const RERUN_NS = 3e6;

export class Rerun implements TimerTarget {
  readonly #context: BlockContext;
  readonly #work: DeferredWork;
  readonly #timer = new Timer(this);

  constructor(context: BlockContext, work: DeferredWork) {
    this.#context = context;
    this.#work = work;
  }

  soon(): void {
    if (this.#timer.started) return;
    const { clock, timers } = this.#context;
    timers.start(this.#timer, (clock.now() + RERUN_NS) as Nanoseconds); // a time plus a duration
  }

  timerExpired(): void {
    this.#context.deferred.raise(this.#work);
  }
}
