/** How long a client may take until it has agreed on an export. A long list takes long: whoever asks for
 *  each of thousands of exports, and goes on doing so, gets time for it; nobody else does. */

import { handshakeLimits } from 'nbd-server-protocol-ts';
import type { Scheduler } from '../time/clock.ts';
import { limits } from './limits.ts';

interface TimeContext {
  readonly scheduler: Scheduler;
  /** In seconds: what every client has. */
  readonly limits: { readonly handshakeTime: number };
}

export class HandshakeTime {
  readonly #scheduler: Scheduler;
  readonly #optionsTaken: () => number;
  readonly #over: () => void;
  /** In ms, as far as it is sure. */
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
