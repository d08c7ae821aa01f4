/** Long discards and zeroes of one hardware queue, done a slice a turn: the sockets, and with them other
 *  clients, have their turn in between. Without a tag for the next slice they wait in line like anybody
 *  else. Source: rnull-series 19, 21. */

import type { DeferredWork } from '../time/deferred.ts';
import type { Bio } from './bio.ts';
import type { DriverData } from './driver-data.ts';
import type { HwQueue } from './hw-queue.ts';
import type { TagWaiter } from './scheduler.ts';

export class Slices<D extends DriverData = DriverData> implements DeferredWork, TagWaiter {
  raised = false;
  waiting = false;
  waitingSince = 0;
  readonly waitsToRead = false;
  readonly #hctx: HwQueue<D>;
  #bios: Bio[] = [];

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

  /** A slice of each. */
  runDeferred(): void {
    // In line already: nobody overtakes those who wait.
    if (!this.waiting) this.#submit(this.#bios.length);
  }

  /** One slice, whatever the quota: then others have their turn. */
  tagsFree(): void {
    this.#submit(1);
    if (this.#bios.length > 0) this.#hctx.set.context.deferred.raiseNextTurn(this);
  }

  #submit(most: number): void {
    const bios = this.#bios;
    this.#bios = bios.splice(most);
    for (let at = 0; at < bios.length; at++) {
      const bio = bios[at];
      if (bio === undefined || this.#hctx.submit(bio)) continue;
      this.#bios = [...bios.slice(at), ...this.#bios];
      this.#hctx.pool.wait(this);
      break;
    }
    this.#hctx.unplug();
  }
}
