/** How long to look at the sockets after traffic before sleeping. To be woken costs both sides more
 *  than a request does, so looking pays where the next bytes come soon: depth 1 goes from 63 to 24 us.
 *  Where they do not, as with a client of one request every millisecond, it would be for nothing:
 *  each time in vain halves the window, down to none, and each time that it paid, or would have,
 *  doubles it again. Nobody there: it ends with its window. */

import type { Nanoseconds } from '../units.ts';

/** A shorter window ends before a client can have read its reply. */
const WINDOW_MIN = 4_000;

export class BusyPoll {
  readonly #max: number;
  #window: number;
  #last = Number.NEGATIVE_INFINITY;
  /** The window went by without traffic. */
  #missed = false;

  /** @param max the longest window; 0: never look. */
  constructor(max: Nanoseconds) {
    this.#max = max;
    this.#window = max;
  }

  /** Bytes moved: more will probably follow soon. */
  traffic(now: number): void {
    // What came before anybody looked says nothing of looking.
    if (this.#missed) this.#learn(now - this.#last);
    else if (this.#window < this.#max) this.#widen();
    this.#last = now;
  }

  /** Replies are on their way that clients have waited for: they will answer them at once, however long
   *  they had waited. That says nothing of looking at other times. */
  replied(now: number): void {
    this.#missed = false;
    this.#window = this.#max;
    this.#last = now;
  }

  /** Look again? Asked at the end of each turn; once it says no, it does so until there is traffic. */
  pays(now: number): boolean {
    if (this.#missed) return false;
    if (now - this.#last < this.#window) return true;
    this.#missed = true;
    return false;
  }

  #learn(gap: number): void {
    this.#missed = false;
    if (gap < this.#max) this.#widen();
    else this.#window = this.#window > 2 * WINDOW_MIN ? this.#window / 2 : 0;
  }

  #widen(): void {
    this.#window = Math.min(this.#max, Math.max(WINDOW_MIN, this.#window * 2));
  }
}
