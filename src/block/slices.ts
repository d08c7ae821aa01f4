/** Long work on one hardware queue (discards, zeroes, copied data), one slice per turn: between two slices
 *  the sockets, and so other clients, have their turn. A bio without a tag for its next slice waits in line
 *  like any other.
 *  Source: rnull-series 19, 21. */

import type { DeferredWork } from '../time/deferred.ts';
import type { Bio } from './bio.ts';
import type { BlockContext } from './context.ts';
import type { TagWaiter } from './scheduler.ts';
import type { Status } from './status.ts';
import type { TagPool } from './tag-pool.ts';

/** After so many ns of a turn no other slice begins. */
const TURN_NS = 100_000;

/** The hardware queue whose bios they are. */
interface SlicedQueue {
  readonly context: BlockContext;
  readonly pool: TagPool;
  /** @returns false when there was no tag. */
  submit(bio: Bio): boolean;
  unplug(): void;
}

export class Slices implements DeferredWork, TagWaiter {
  raised = false;
  waiting = false;
  waitingSince = 0;
  readonly waitsToRead = false;
  readonly #hctx: SlicedQueue;
  readonly #bios: Bio[] = [];

  constructor(hctx: SlicedQueue) {
    this.#hctx = hctx;
  }

  /** Bios with slices left, and one that is being submitted. */
  get count(): number {
    return this.#bios.length;
  }

  /** `bio` has slices left: the next one comes in the next turn. */
  later(bio: Bio): void {
    bio.park();
    this.#bios.push(bio);
    this.#hctx.context.deferred.raiseNextTurn(this);
  }

  /** No more slices of any bio. */
  giveUp(status: Status): void {
    this.#hctx.pool.leave(this);
    for (const bio of this.#bios.splice(0)) bio.giveUp(status);
  }

  /** One slice of each, in turn, until the time is over. The bio that comes too late is the first in the next
   *  turn. */
  runDeferred(): void {
    // It waits in line already: it may not overtake the others.
    if (this.waiting) return;
    const { clock, deferred } = this.#hctx.context;
    const end = clock.now() + TURN_NS;
    for (let left = this.#bios.length; left > 0 && this.#submit(); left--) {
      if (clock.now() >= end) break;
    }
    if (this.#bios.length > 0 && !this.waiting) deferred.raiseNextTurn(this);
  }

  /** One slice, whatever the quota: then the others have their turn. */
  tagsFree(): void {
    this.#submit();
    if (this.#bios.length > 0) this.#hctx.context.deferred.raiseNextTurn(this);
  }

  /** A slice of the first bio. @returns false when there is no tag for it: then it waits for one. */
  #submit(): boolean {
    const [bio] = this.#bios;
    if (bio === undefined) return false;
    // It stays in the list until it has a tag: taking one may end everything in flight.
    const submitted = this.#hctx.submit(bio);
    if (submitted) this.#bios.shift();
    else this.#hctx.pool.wait(this);
    this.#hctx.unplug();
    return submitted;
  }
}
