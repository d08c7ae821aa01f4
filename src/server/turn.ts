/** A turn of the event loop: every entry into the program (bytes, a timer, a finished write) ends by
 *  running what was deferred and sending, once, the replies that arose. The one flush rule. */

import type { Deferred } from '../time/deferred.ts';

export interface Unsent {
  /** Kept by the turn; begins false. */
  listed: boolean;
  flush(): void;
}

/** Sending frees tags, and tags bring replies: so often within a turn, then the sockets' turn. */
const ROUNDS_MAX = 4;

export class Turn {
  readonly #deferred: Deferred;
  #unsent: Unsent[] = [];
  #flushing: Unsent[] = [];
  #rest: () => void = () => {};

  constructor(deferred: Deferred) {
    this.#deferred = deferred;
  }

  /** What follows each turn: pacing decides how to wait. */
  set onRest(rest: () => void) {
    this.#rest = rest;
  }

  /** `output` has something to send when the turn ends. */
  unsent(output: Unsent): void {
    if (output.listed) return;
    output.listed = true;
    this.#unsent.push(output);
  }

  end(): void {
    this.#deferred.run();
    for (let round = 0; round < ROUNDS_MAX && this.#unsent.length > 0; round++) {
      this.#flush();
      this.#deferred.run();
    }
    this.#flush();
    this.#rest();
  }

  #flush(): void {
    const batch = this.#unsent;
    if (batch.length === 0) return;
    this.#unsent = this.#flushing;
    this.#flushing = batch;
    for (const output of batch) {
      output.listed = false;
      output.flush();
    }
    batch.length = 0;
  }
}
