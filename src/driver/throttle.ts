/** The bandwidth limit: how many bytes may pass in a tick of 20 ms. Knows neither requests nor their content.
 *  Source: driver.md section 4, Bandwidth; parameter mbps.
 *
 *  It differs from null_blk, where a request is charged each time it is tried, and one above a tick's budget
 *  never passes. Here a request is charged once, when it passes, and a large one leaves a debt that later
 *  ticks pay off. So the rate in the long run is the limit, whatever the sizes. */

import type { BlockContext } from '../block/context.ts';
import { Timer, type TimerTarget } from '../time/timer-queue.ts';
import { MiB, type Nanoseconds } from '../units.ts';

const TICKS_PER_SECOND = 50;
const TICK_NS = 1e9 / TICKS_PER_SECOND;
/** How late a waiting request may be, in ticks, without losing them (for example when the program was
 *  stopped). */
const CATCH_UP_TICKS = TICKS_PER_SECOND;

/** What is stopped while a request waits for the next tick. */
export interface Stoppable {
  stopHwQueues(): void;
  startHwQueues(): void;
}

/** INVARIANT: the timer runs only while `#refused` is not 0: without a waiting request nothing needs to wake
 *  up, because ticks that have passed are counted when the next request comes. */
export class Throttle implements TimerTarget {
  readonly #context: BlockContext;
  readonly #queue: Stoppable;
  readonly #timer = new Timer(this);
  readonly #budget: number;
  #tickStart = Number.NEGATIVE_INFINITY;
  /** Bytes that may still pass in this tick; below 0 it is a debt. */
  #left: number;
  /** True when anything passed in this tick. */
  #used = false;
  /** Bytes of the waiting request; 0: none waits. */
  #refused = 0;
  #stopped = false;

  /** @param mbps MiB/s, more than 0. */
  constructor(mbps: number, context: BlockContext, queue: Stoppable) {
    this.#context = context;
    this.#queue = queue;
    this.#budget = Math.floor(MiB / TICKS_PER_SECOND) * mbps;
    this.#left = this.#budget;
  }

  /** Asks whether a request of so many bytes may pass now. True charges it. False has stopped the queues:
   *  issue it again, before any other, when they start. A request without length (FLUSH) passes. */
  admit(bytes: number): boolean {
    if (bytes === 0 || this.#stopped) return true;
    if (this.#refused > 0) return false;
    this.#passTicks(this.#context.clock.now());
    if (bytes > this.#left && !this.#mayOverdraw(bytes)) {
      this.#refuse(bytes);
      return false;
    }
    this.#left -= bytes;
    this.#used = true;
    return true;
  }

  /** Ends the limit: waiting requests pass. For power off. */
  stop(): void {
    this.#stopped = true;
    if (this.#refused === 0) return;
    this.#refused = 0;
    this.#context.timers.cancel(this.#timer);
    this.#queue.startHwQueues();
  }

  timerExpired(): void {
    this.#passTicks(this.#context.clock.now());
    this.#refused = 0;
    this.#queue.startHwQueues();
  }

  /** A request above a whole tick's budget passes when a tick begins without debt. */
  #mayOverdraw(bytes: number): boolean {
    return bytes > this.#budget && !this.#used && this.#left >= this.#budget;
  }

  #refuse(bytes: number): void {
    this.#refused = bytes;
    this.#queue.stopHwQueues();
    // With a debt it can take more than one tick until there is enough.
    const missing = Math.min(bytes, this.#budget) - this.#left;
    const ticks = Math.max(1, Math.ceil(missing / this.#budget));
    const deadline = (this.#tickStart + ticks * TICK_NS) as Nanoseconds; // a time plus a duration
    this.#context.timers.start(this.#timer, deadline);
  }

  /** Brings the budget up to the tick that holds `time`. What a waiting request could not use of earlier
   *  ticks stays, or odd sizes would never reach the limit; without a waiting request it is lost. */
  #passTicks(time: number): void {
    // Whole ns: when a timer's deadline is reached, so is its tick.
    const now = Math.floor(time);
    const ticks = Math.floor((now - this.#tickStart) / TICK_NS);
    if (ticks < 1) return;
    this.#used = false;
    if (this.#refused > 0) {
      this.#tickStart += ticks * TICK_NS;
      this.#left = Math.min(this.#left + ticks * this.#budget, CATCH_UP_TICKS * this.#budget);
      return;
    }
    this.#left = Math.min(this.#left + ticks * this.#budget, this.#budget);
    // After a tick without traffic the next request begins one.
    this.#tickStart = ticks === 1 ? this.#tickStart + TICK_NS : now;
  }
}
