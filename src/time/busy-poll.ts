/** Decides whether to poll the sockets for a while after traffic before sleeping. A wake-up costs both sides
 *  more than a request does, so polling pays if the next bytes come soon: depth 1 goes from 63 to 24 us. If
 *  they come late, as with a client of one request every millisecond, polling would be wasted. So there is a
 *  credit: a poll that paid, or would have paid, earns credit, and one in vain costs credit; without credit
 *  we sleep. Without clients, polling stops after one window.
 *
 *  The credit survives a few pauses of the machine in a row, which say nothing about the client. While we
 *  sleep, the clock cannot show that polling would pay, because both sides' wake-ups are in what it measures:
 *  so now and then it is tried, less often the more often it was in vain. */

import type { Nanoseconds } from '../units.ts';

const CREDIT_MAX = 8;
/** Sleeps between two trials: at first, and at most. */
const TRIAL_AFTER_MIN = 4;
const TRIAL_AFTER_MAX = 256;

export class BusyPoll {
  readonly #window: number;
  #credit = CREDIT_MAX;
  #last = Number.NEGATIVE_INFINITY;
  /** The window went by without traffic. */
  #missed = false;
  #sleeps = 0;
  #trialAfter = TRIAL_AFTER_MIN;

  /** @param window how long to poll; 0: never. */
  constructor(window: Nanoseconds) {
    this.#window = window;
  }

  /** It never polls, and needs no reports. */
  get off(): boolean {
    return this.#window === 0;
  }

  /** Bytes moved: more will probably follow soon. */
  traffic(now: number): void {
    if (this.#missed) this.#learn(now - this.#last);
    // Bytes that came before polling began say nothing about polling.
    else if (this.#credit > 0) this.#earn();
    this.#last = now;
  }

  /** Replies that clients have waited for are on their way: they will answer at once, however long they
   *  waited. That says nothing about polling at other times. */
  replied(now: number): void {
    this.#missed = false;
    if (this.#credit === 0) this.#credit = 1;
    this.#last = now;
  }

  /** True: poll again. Asked at the end of each turn; after a no it stays no until there is traffic. */
  pays(now: number): boolean {
    if (this.#missed) return false;
    if (this.#credit > 0 && now - this.#last < this.#window) return true;
    this.#missed = true;
    return false;
  }

  #learn(gap: number): void {
    this.#missed = false;
    if (gap < this.#window) this.#earn();
    else if (this.#credit > 0) this.#credit--;
    else if (++this.#sleeps >= this.#trialAfter) this.#try();
  }

  #earn(): void {
    this.#trialAfter = TRIAL_AFTER_MIN;
    if (this.#credit < CREDIT_MAX) this.#credit++;
  }

  #try(): void {
    this.#sleeps = 0;
    this.#trialAfter = Math.min(TRIAL_AFTER_MAX, this.#trialAfter * 2);
    this.#credit = 1;
  }
}
