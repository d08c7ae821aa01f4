/** A turn of the event loop: every entry into the program (bytes, a timer, a finished write) ends by running
 *  deferred work and sending, once, the replies that arose. This is the only flush rule. Frequent entries say
 *  where they begin and end their turn; time/turns.ts arranges a turn for the others. */

import type { Deferred } from '../time/deferred.ts';
import { ReusedList } from '../time/reused-list.ts';
import { Turns } from '../time/turns.ts';

export interface Unsent {
  /** Kept by the turn; begins false. */
  listed: boolean;
  flush(): void;
}

/** Sending frees tags, and tags bring replies: this often within a turn, then the sockets have theirs. */
const ROUNDS_MAX = 4;
/** So many replies do not wait for more. */
const HELD_REQUESTS_MAX = 8;

export class Turn {
  readonly #deferred: Deferred;
  readonly #turns: Turns;
  #unsent = new ReusedList<Unsent>();
  #flushing = new ReusedList<Unsent>();
  #rest: (lookAgain: boolean) => void = () => {};
  /** Requests whose replies are held until the sockets were looked at once more. */
  #held = 0;
  #cameSinceLook = false;
  /** INVARIANT: while it is true the lists are walked, and nobody else may walk them. */
  #ending = false;

  constructor(deferred: Deferred, turns = new Turns()) {
    this.#deferred = deferred;
    this.#turns = turns;
  }

  /** What follows each turn: pacing decides how to wait; `lookAgain` says not to. */
  set onRest(rest: (lookAgain: boolean) => void) {
    this.#rest = rest;
  }

  /** `output` has something to send when the turn ends. */
  unsent(output: Unsent): void {
    if (output.listed) return;
    output.listed = true;
    this.#unsent.push(output);
    this.#turns.need();
  }

  /** From here on `end` is sure to come before the event loop goes on. */
  begin(): void {
    this.#turns.underWay = true;
  }

  /** @param requests how many a socket has just brought. Where they come in numbers, sending waits
   *  for one more look at the sockets: each write wakes a client, which costs both sides more than
   *  a request does. One request alone is never held up.
   *  An end may bring bytes of its own, as TLS does when there is room for them again: what those leave
   *  is for the end that is under way, which has the lists of work and of replies in hand. */
  end(requests = 0): void {
    if (this.#ending) return;
    this.#ending = true;
    let lookAgain = true;
    try {
      lookAgain = this.#workOff(requests);
    } finally {
      this.#ending = false;
      this.#turns.underWay = false;
    }
    this.#rest(lookAgain);
  }

  /** @returns whether the sockets must be looked at again at once. */
  #workOff(requests: number): boolean {
    this.begin();
    this.#deferred.runAgain();
    if (this.#holds(requests)) return true;
    // Long work comes behind the replies that are there, and once for each look at the sockets.
    if (requests === 0 && this.#deferred.pending) {
      this.#flush();
      this.#deferred.run();
    }
    for (let round = 0; round < ROUNDS_MAX && this.#unsent.count > 0; round++) {
      this.#flush();
      this.#deferred.runAgain();
    }
    this.#flush();
    return this.#unsent.count > 0;
  }

  #holds(requests: number): boolean {
    if (requests > 0) {
      this.#held += requests;
      this.#cameSinceLook = this.#held >= 2 && this.#held < HELD_REQUESTS_MAX;
      if (this.#cameSinceLook) return true;
    } else if (this.#cameSinceLook) {
      this.#cameSinceLook = false;
      return true;
    }
    this.#held = 0;
    return false;
  }

  #flush(): void {
    const batch = this.#unsent;
    if (batch.count === 0) return;
    this.#unsent = this.#flushing;
    this.#flushing = batch;
    for (let at = 0; at < batch.count; at++) {
      const output = batch.at(at);
      if (output === undefined) continue;
      output.listed = false;
      output.flush();
    }
    batch.clear();
  }
}
