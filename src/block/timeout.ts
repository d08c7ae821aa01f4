/** Request timeouts: one sweep over the started tags, once a second while any is in flight, never
 *  a timer per request; so a request times out up to a second late, as null_blk's do.
 *  Source: driver.md section 2; rnull-series 72. */

import { Timer, type TimerTarget } from '../time/timer-queue.ts';
import type { Nanoseconds } from '../units.ts';
import type { DriverData } from './driver-data.ts';
import type { Request } from './request.ts';
import { RequestState } from './request.ts';
import type { BlockContext, TagSet } from './tag-set.ts';

const TICK_NS = 1e9;

export class Timeouts<D extends DriverData = DriverData> implements TimerTarget {
  readonly #set: TagSet<D>;
  readonly #context: BlockContext;
  readonly #timer = new Timer(this);
  readonly #ticksMax: number;
  #tick = 0;
  #sweeping = false;

  constructor(set: TagSet<D>, context: BlockContext) {
    this.#set = set;
    this.#context = context;
    this.#ticksMax = Math.ceil(set.options.timeout / TICK_NS);
  }

  /** Starts the clock of `request`. */
  started(request: Request<D>): void {
    request.startedTick = this.#tick;
    if (!this.#sweeping) this.#arm();
  }

  /** Stops the sweep; for a tag set that goes away. */
  stop(): void {
    this.#context.timers.cancel(this.#timer);
    this.#sweeping = false;
  }

  timerExpired(): void {
    this.#tick++;
    this.#sweeping = false;
    if (this.#set.inFlight === 0) return;
    this.#arm();
    for (const request of this.#set.requests) {
      const expired =
        request.state === RequestState.STARTED && this.#tick - request.startedTick > this.#ticksMax;
      if (expired) this.#expire(request);
    }
  }

  /** Without a hook, or where the driver alone owns the request, it gets another period. */
  #expire(request: Request<D>): void {
    request.startedTick = this.#tick;
    const reference = this.#set.tagToRq(request.tag);
    if (reference === undefined) return;
    // The set may be shared: each request's own disk has the hook.
    const verdict = reference.queue().vtable.requestTimeout?.(reference) ?? 'reset';
    if (verdict === 'reset') reference.drop();
  }

  #arm(): void {
    this.#sweeping = true;
    const deadline = this.#context.clock.now() + TICK_NS;
    this.#context.timers.start(this.#timer, deadline as Nanoseconds); // a time plus a duration
  }
}
