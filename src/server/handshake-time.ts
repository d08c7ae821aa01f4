/** How long a client may take until it has agreed on an export. A long list takes long: a client that asks
 *  for each of thousands of exports, and goes on asking, gets time for it; no other client does. */

import { handshakeLimits } from 'nbd-server-protocol-ts';
import type { Scheduler } from '../time/clock.ts';
import { limits } from './limits.ts';

interface TimeContext {
  readonly scheduler: Scheduler;
  /** In seconds: the time of every client. */
  readonly limits: { readonly handshakeTime: number };
}

export class HandshakeTime {
  readonly #scheduler: Scheduler;
  readonly #optionsTaken: () => number;
  readonly #over: () => void;
  /** In ms: the time that is granted so far. */
  #granted: number;
  #cancel: () => void;

  /** @param optionsTaken of this client so far. @param over called when the time is over. */
  constructor(
    { scheduler, limits: of }: TimeContext,
    optionsTaken: () => number,
    over: () => void,
  ) {
    this.#scheduler = scheduler;
    this.#optionsTaken = optionsTaken;
    this.#over = over;
    const usual = of.handshakeTime * 1000;
    this.#granted = usual;
    this.#cancel = this.#wait(usual, usual);
  }

  cancel(): void {
    this.#cancel();
  }

  #wait(ms: number, usual: number): () => void {
    return this.#scheduler.timeout(() => {
      const further = Math.max(0, this.#optionsTaken() - handshakeLimits.options.max);
      const due = usual + further * limits.furtherOptionTime.max;
      const more = due - this.#granted;
      if (more <= 0) return this.#over();
      this.#granted = due;
      this.#cancel = this.#wait(more, usual);
    }, ms);
  }
}
