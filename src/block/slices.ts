/** Long discards and zeroes of one hardware queue, done a slice a turn: the sockets, and with them other
 *  clients, have their turn in between. Source: rnull-series 19. */

import type { DeferredWork } from '../time/deferred.ts';
import type { Bio } from './bio.ts';
import type { DriverData } from './driver-data.ts';
import type { HwQueue } from './hw-queue.ts';

export class Slices<D extends DriverData = DriverData> implements DeferredWork {
  raised = false;
  readonly #hctx: HwQueue<D>;
  readonly #bios: Bio[] = [];

  constructor(hctx: HwQueue<D>) {
    this.#hctx = hctx;
  }

  get count(): number {
    return this.#bios.length;
  }

  /** `bio` has slices left: the next one comes in the next turn. */
  later(bio: Bio): void {
    this.#bios.push(bio);
    this.#hctx.set.context.deferred.raiseNextTurn(this);
  }

  runDeferred(): void {
    for (const bio of this.#bios.splice(0)) {
      if (!this.#hctx.submit(bio)) this.later(bio);
    }
    this.#hctx.unplug();
  }
}
