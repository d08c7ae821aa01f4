/** The free tags of one hardware queue (or of all, under shared_tag_bitmap), and who waits for one.
 *  Tags are the flow control of the whole program: without a tag nothing is read from a socket.
 *  Source: driver.md section 2; parameters hw_queue_depth, shared_tags, no_sched. */

import type { Deferred, DeferredWork } from '../time/deferred.ts';
import type { Tag } from '../units.ts';
import { bug } from '../units.ts';

/** Somebody with a command and no tag for it. */
export interface TagWaiter {
  /** Kept by the pool; begins false. */
  waiting: boolean;
  /** Tags are free: take at most `quota`, and wait again for more. */
  tagsFree(quota: number): void;
}

export class TagPool implements DeferredWork {
  raised = false;
  readonly depth: number;
  /** Requests of this pool that live on only because a reply still shows their pages. */
  mapped = 0;
  readonly #free: Int32Array;
  readonly #deferred: Deferred;
  readonly #inArrivalOrder: boolean;
  #freeCount = 0;
  #waiters: TagWaiter[] = [];

  /** @param inArrivalOrder no_sched: who came first takes all it needs; else one tag in turn. */
  constructor(first: number, depth: number, deferred: Deferred, inArrivalOrder: boolean) {
    this.depth = depth;
    this.#free = new Int32Array(depth);
    this.#deferred = deferred;
    this.#inArrivalOrder = inArrivalOrder;
    for (let tag = first + depth - 1; tag >= first; tag--) this.#free[this.#freeCount++] = tag;
  }

  get inUse(): number {
    return this.depth - this.#freeCount;
  }

  get freeCount(): number {
    return this.#freeCount;
  }

  /** Half of the tags may be held by replies that a slow client has not taken; so no client can
   *  hold up the others by not reading. */
  get mayMap(): boolean {
    return this.mapped < this.depth >> 1;
  }

  /** Takes a free tag. @returns undefined when there is none. */
  take(): Tag | undefined {
    if (this.#freeCount === 0) return undefined;
    return this.#free[--this.#freeCount] as Tag; // the constructor and give() put only tags there
  }

  give(tag: Tag): void {
    if (this.#freeCount === this.depth) bug(`tag ${tag}: given back twice`);
    this.#free[this.#freeCount++] = tag;
    if (this.#waiters.length > 0) this.#deferred.raise(this);
  }

  /** `waiter` is called when tags are free, in turn with the others. */
  wait(waiter: TagWaiter): void {
    if (waiter.waiting) return;
    waiter.waiting = true;
    this.#waiters.push(waiter);
    if (this.#freeCount > 0) this.#deferred.raise(this);
  }

  /** `waiter` has gone. */
  leave(waiter: TagWaiter): void {
    if (!waiter.waiting) return;
    waiter.waiting = false;
    this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
  }

  /** One round over those who wait now; who still waits afterwards has queued up again. */
  runDeferred(): void {
    const round = this.#waiters;
    if (round.length === 0) return;
    this.#waiters = [];
    let turn = 0;
    while (turn < round.length && this.#freeCount > 0) {
      const waiter = round[turn++];
      if (waiter === undefined || !waiter.waiting) continue;
      waiter.waiting = false;
      const alone = turn === round.length && this.#waiters.length === 0;
      waiter.tagsFree(this.#inArrivalOrder || alone ? Number.POSITIVE_INFINITY : 1);
    }
    if (turn < round.length) this.#waiters = [...round.slice(turn), ...this.#waiters];
    this.#waiters = this.#waiters.filter((waiter) => waiter.waiting);
    if (this.#waiters.length > 0 && this.#freeCount > 0) this.#deferred.raise(this);
  }
}
