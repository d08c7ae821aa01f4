/** What is long on one hardware queue (discards, zeroes, data that are copied), done a slice a turn: the sockets, and with them other
 *  clients, have their turn in between. Without a tag for the next slice they wait in line like anybody
 *  else. Source: rnull-series 19, 21. */

import type { DeferredWork } from '../time/deferred.ts';
import type { Bio } from './bio.ts';
import type { BlockContext } from './context.ts';
import type { TagWaiter } from './scheduler.ts';
import type { Status } from './status.ts';
import type { TagPool } from './tag-pool.ts';

/** After so many ns of a turn no further slice is begun. */
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

  /** Bios with slices left, or one that is being handed out. */
  get count(): number {
    return this.#bios.length;
  }

  /** `bio` has slices left: the next one comes in the next turn. */
  later(bio: Bio): void {
    bio.park();
    this.#bios.push(bio);
    this.#hctx.context.deferred.raiseNextTurn(this);
  }

  /** No slice of any is to come. */
  giveUp(status: Status): void {
    this.#hctx.pool.leave(this);
    for (const bio of this.#bios.splice(0)) bio.giveUp(status);
  }

  /** A slice of each, one after the other, as far as the time goes: who comes too short is the first
   *  of the next turn. */
  runDeferred(): void {
    // In line already: nobody overtakes those who wait.
    if (this.waiting) return;
    const { clock, deferred } = this.#hctx.context;
    const end = clock.now() + TURN_NS;
    for (let left = this.#bios.length; left > 0 && this.#submit(); left--) {
      if (clock.now() >= end) break;
    }
    if (this.#bios.length > 0 && !this.waiting) deferred.raiseNextTurn(this);
  }

  /** One slice, whatever the quota: then others have their turn. */
  tagsFree(): void {
    this.#submit();
    if (this.#bios.length > 0) this.#hctx.context.deferred.raiseNextTurn(this);
  }

  /** A slice of the first. @returns false: there is no tag for it, and it waits for one. */
  #submit(): boolean {
    const [bio] = this.#bios;
    if (bio === undefined) return false;
    // It stays in the list until it has a tag: to get one, all that is in flight may be ended.
    const submitted = this.#hctx.submit(bio);
    if (submitted) this.#bios.shift();
    else this.#hctx.pool.wait(this);
    this.#hctx.unplug();
    return submitted;
  }
}
