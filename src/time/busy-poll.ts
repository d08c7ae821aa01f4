/** Whether to look at the sockets for a while after traffic before sleeping. To be woken costs both
 *  sides more than a request does, so looking pays where the next bytes come soon: depth 1 goes from 63
 *  to 24 us. Where they do not, as with a client of one request every millisecond, it would be for
 *  nothing. So it lives on credit: a look that paid, or would have, earns, one in vain costs; without
 *  credit we sleep. Nobody there: it ends with its window.
 *
 *  The credit outlasts some pauses of the machine in a row, which say nothing of the client. And who
 *  sleeps cannot learn from the clock alone that looking would pay, since both sides' wake-ups are
 *  in what it measures: so now and then it is tried, the rarer the more often it was for nothing. */

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

  /** @param window for how long to look; 0: never. */
  constructor(window: Nanoseconds) {
    this.#window = window;
  }

  /** It never looks, and needs to know of nothing. */
  get off(): boolean {
    return this.#window === 0;
  }

  /** Bytes moved: more will probably follow soon. */
  traffic(now: number): void {
    if (this.#missed) this.#learn(now - this.#last);
    // What came before anybody looked says nothing of looking.
    else if (this.#credit > 0) this.#earn();
    this.#last = now;
  }

  /** Replies are on their way that clients have waited for: they will answer them at once, however long
   *  they had waited. That says nothing of looking at other times. */
  replied(now: number): void {
    this.#missed = false;
    if (this.#credit === 0) this.#credit = 1;
    this.#last = now;
  }

  /** Look again? Asked at the end of each turn; once it says no, it does so until there is traffic. */
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
