/** Exact timers: a binary heap of `Timer` objects by deadline. Starting one allocates nothing and, if all
 *  delays are equal, moves nothing. It does not sleep: pacing.ts decides how to wait. */

import type { Nanoseconds } from '../units.ts';
import { bug } from '../units.ts';
import { Turns } from './turns.ts';

export interface TimerTarget {
  timerExpired(): void;
}

/** Made once with its target and started any number of times. */
export class Timer {
  readonly target: TimerTarget;
  deadline = 0;
  /** Place in the heap; -1 = not started. */
  place = -1;

  constructor(target: TimerTarget) {
    this.target = target;
  }

  get started(): boolean {
    return this.place >= 0;
  }
}

export class TimerQueue {
  readonly #heap: Timer[] = [];
  readonly #turns: Turns;
  #count = 0;

  /** @param turns the turns at whose end the next deadline is arranged for; by default the caller does
   *  that. */
  constructor(turns = new Turns()) {
    this.#turns = turns;
  }

  get count(): number {
    return this.#count;
  }

  /** The earliest deadline in ns, Infinity when no timer is started. */
  get next(): number {
    return this.#count === 0 ? Number.POSITIVE_INFINITY : this.#at(0).deadline;
  }

  /** Starts `timer` to expire at `deadline`. @throws when it is started already. */
  start(timer: Timer, deadline: Nanoseconds): void {
    if (timer.place >= 0) bug('a timer was started twice');
    timer.deadline = deadline;
    const place = this.#count++;
    this.#put(place, timer);
    this.#up(place);
    this.#turns.need();
  }

  /** Stops `timer`, if it is started. */
  cancel(timer: Timer): void {
    const place = timer.place;
    if (place < 0) return;
    timer.place = -1;
    const last = this.#at(--this.#count);
    if (last === timer) return;
    this.#put(place, last);
    this.#up(place);
    this.#down(last.place);
  }

  /** Runs every timer whose deadline is not after `now`, earliest first. Returns how many. */
  expire(now: Nanoseconds): number {
    let expired = 0;
    while (this.#count > 0) {
      const first = this.#at(0);
      if (first.deadline > now) break;
      this.cancel(first);
      first.target.timerExpired();
      expired++;
    }
    return expired;
  }

  #at(place: number): Timer {
    return this.#heap[place] ?? bug('a hole in the timer heap');
  }

  #put(place: number, timer: Timer): void {
    this.#heap[place] = timer;
    timer.place = place;
  }

  #up(from: number): void {
    const timer = this.#at(from);
    let place = from;
    while (place > 0) {
      const parent = this.#at((place - 1) >> 1);
      if (parent.deadline <= timer.deadline) break;
      this.#put(place, parent);
      place = (place - 1) >> 1;
    }
    this.#put(place, timer);
  }

  #down(from: number): void {
    const timer = this.#at(from);
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= this.#count) break;
      if (child + 1 < this.#count && this.#at(child + 1).deadline < this.#at(child).deadline)
        child++;
      if (this.#at(child).deadline >= timer.deadline) break;
      this.#put(place, this.#at(child));
      place = child;
    }
    this.#put(place, timer);
  }
}
