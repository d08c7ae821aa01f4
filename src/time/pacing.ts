/** The one place that decides how to wait: poll the sockets again at once, spin for a near timer, sleep for a
 *  far one, or sleep until a socket wakes us. Polling brings the latency at depth 1 from 63 us to 24 us.
 *  Source: docs/running.md, Waiting awake; parameter completion_nsec. */

import type { Nanoseconds } from '../units.ts';
import type { BusyPoll } from './busy-poll.ts';
import type { Clock, Scheduler } from './clock.ts';
import type { Deferred } from './deferred.ts';
import type { TimerQueue } from './timer-queue.ts';

/** The event loop's own timers have a resolution of 1 ms and fire up to 1 ms late. */
const SPIN_NS = 2e6;
/** One poll of the sockets takes 2 to 4 us, and would make a nearer timer late: then the clock is watched
 *  instead, for a bounded number of readings in case it stands still. */
const WATCH_NS = 3_000;
const READINGS_MAX = 200;

/** A source that is polled like the sockets, and wakes us when we sleep: other threads. */
export interface Source {
  /** Takes what has arrived. */
  drain(): void;
  /** We sleep until it wakes us. @returns false: something is there already. */
  mayRest(): boolean;
}

/** A turn, from where an entry into the program begins it to its end. */
export interface TurnOf {
  begin(): void;
  end(): void;
}

export class Pacing {
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #timers: TimerQueue;
  readonly #deferred: Deferred;
  readonly #poll: BusyPoll;
  readonly #look: () => void;
  #source: Source | undefined;
  #looking = false;
  #sleepUntil = Number.POSITIVE_INFINITY;
  #cancelSleep: (() => void) | undefined;

  /** @param poll how long after traffic the sockets are polled before sleeping.
   *  @param turn its end runs deferred work, sends replies, then calls `rest`. */
  constructor(
    clock: Clock,
    scheduler: Scheduler,
    timers: TimerQueue,
    deferred: Deferred,
    poll: BusyPoll,
    turn: TurnOf,
  ) {
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#timers = timers;
    this.#deferred = deferred;
    this.#poll = poll;
    this.#look = () => {
      this.#looking = false;
      turn.begin();
      this.#source?.drain();
      const now = this.#watchClock();
      // Replies go out now, and clients answer them with requests.
      if (this.#timers.expire(now) > 0) this.#poll.replied(now);
      turn.end();
    };
  }

  set source(source: Source) {
    this.#source = source;
  }

  /** The source has something. */
  wake(): void {
    if (!this.#looking) this.#look();
  }

  /** Bytes moved: more will probably follow soon. */
  traffic(): void {
    if (!this.#poll.off) this.#poll.traffic(this.#clock.now());
  }

  /** The end of every turn: arranges the next poll; at once, if `lookAgain` says so. */
  rest(lookAgain = false): void {
    if (this.#looking) return;
    if (lookAgain) {
      this.#looking = true;
      this.#scheduler.immediate(this.#look);
      return;
    }
    const next = this.#timers.next;
    // The clock is read only if there is something to compare it to: without a vDSO it is a system call.
    const timely = next !== Number.POSITIVE_INFINITY || !this.#poll.off;
    const now = timely ? this.#clock.now() : 0;
    const near =
      this.#deferred.pending || (timely && (next - now < SPIN_NS || this.#poll.pays(now)));
    if (near || this.#source?.mayRest() === false) {
      this.#looking = true;
      this.#scheduler.immediate(this.#look);
    } else if (next !== Number.POSITIVE_INFINITY) {
      this.#sleep(next, now);
    }
  }

  /** @returns the time; if the next timer is near, the time of its end. */
  #watchClock(): Nanoseconds {
    const { next } = this.#timers;
    let now = this.#clock.now();
    for (let n = 0; next > now && next - now < WATCH_NS && n < READINGS_MAX; n++) {
      now = this.#clock.now();
    }
    return now;
  }

  /** Sleeps until shortly before `next`; an earlier alarm that is set already is fine. */
  #sleep(next: number, now: number): void {
    if (this.#cancelSleep !== undefined) {
      if (this.#sleepUntil <= next) return;
      this.#cancelSleep();
    }
    this.#sleepUntil = next;
    const milliseconds = Math.max(1, Math.floor((next - now) / 1e6) - 1);
    this.#cancelSleep = this.#scheduler.timeout(() => {
      this.#cancelSleep = undefined;
      this.#sleepUntil = Number.POSITIVE_INFINITY;
      this.wake();
    }, milliseconds);
  }
}
