/** Request timeouts: a sweep over all tags when the oldest started request has run out of time, never a timer
 *  per request. A request times out when it should, and one that ends in time costs only a note of when it
 *  started.
 *  Source: driver.md section 2; rnull-series 72. */

import { Timer, type TimerTarget } from '../time/timer-queue.ts';
import type { Nanoseconds } from '../units.ts';
import type { BlockContext } from './context.ts';
import type { DriverData } from './driver-data.ts';
import type { Slot } from './owned.ts';
import { RequestState } from './request.ts';

/** Between two sweeps, in ns for each tag that one looks at: some hundred times what a look takes.
 *  With 64 tags a request times out up to 0.05 ms late, with 10,240 up to 8 ms. */
const PAUSE_NS_PER_TAG = 800;

/** The tag set whose requests may time out. */
interface TimedSet<D extends DriverData> {
  readonly options: { readonly timeout: Nanoseconds };
  readonly requests: readonly Slot<D>[];
  readonly inFlight: number;
}

export class Timeouts<D extends DriverData = DriverData> implements TimerTarget {
  readonly #set: TimedSet<D>;
  readonly #context: BlockContext;
  readonly #timer = new Timer(this);
  /** The timer runs, or a sweep that starts it again. */
  #armed = false;

  constructor(set: TimedSet<D>, context: BlockContext) {
    this.#set = set;
    this.#context = context;
  }

  /** Starts the clock of `request`. @param issuingAt when its batch was begun; negative: in none. */
  started(request: Slot<D>, issuingAt: number): void {
    request.startedAt = issuingAt < 0 ? this.#context.clock.now() : issuingAt;
    if (!this.#armed) this.#arm(request.startedAt + this.#set.options.timeout);
  }

  /** A disk or a hardware queue of the set is gone: if nothing is in flight, the timer stops. */
  stopIdle(): void {
    if (this.#set.inFlight > 0) return;
    this.#context.timers.cancel(this.#timer);
    this.#armed = false;
  }

  timerExpired(): void {
    const { requests, options } = this.#set;
    const now = this.#context.clock.now();
    let oldest: number = now;
    for (const request of requests) {
      if (request.state !== RequestState.STARTED) continue;
      if (now - request.startedAt >= options.timeout) this.#expire(request, now);
      else oldest = Math.min(oldest, request.startedAt);
    }
    if (this.#set.inFlight === 0) {
      this.stopIdle();
      return;
    }
    const pause = requests.length * PAUSE_NS_PER_TAG;
    this.#arm(Math.max(oldest + options.timeout, now + pause));
  }

  /** A request that has not ended by now gets another period. */
  #expire(request: Slot<D>, now: Nanoseconds): void {
    request.startedAt = now;
    request.hctx.timedOut(request); // the set may be shared: each request's own disk has the hook
  }

  #arm(deadline: number): void {
    this.#armed = true;
    this.#context.timers.cancel(this.#timer); // a sweep may have ended a request, and begun another
    this.#context.timers.start(this.#timer, deadline as Nanoseconds); // a time plus a duration
  }
}
