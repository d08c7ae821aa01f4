/** The free tags of one hardware queue (or of all, under shared_tag_bitmap), and the line of those who wait
 *  for one. Tags are the flow control of the whole program: without a tag nothing is read from a socket.
 *  Source: driver.md section 2; parameters hw_queue_depth, shared_tags, no_sched. */

import type { Deferred, DeferredWork } from '../time/deferred.ts';
import type { Tag } from '../units.ts';
import { bug } from '../units.ts';
import type { Scheduler, TagWaiter } from './scheduler.ts';

export class TagPool implements DeferredWork {
  raised = false;
  readonly depth: number;
  /** Requests of this pool that live only because a reply still shows their pages. */
  mapped = 0;
  readonly scheduler: Scheduler;
  readonly #free: Int32Array;
  readonly #deferred: Deferred;
  #freeCount = 0;
  /** All waiters are to be called, with or without tags. */
  #callAll = false;

  constructor(first: number, depth: number, deferred: Deferred, scheduler: Scheduler) {
    this.depth = depth;
    this.scheduler = scheduler;
    this.#free = new Int32Array(depth);
    this.#deferred = deferred;
    for (let tag = first + depth - 1; tag >= first; tag--) this.#free[this.#freeCount++] = tag;
  }

  get inUse(): number {
    return this.depth - this.#freeCount;
  }

  get freeCount(): number {
    return this.#freeCount;
  }

  /** Replies that a slow client has not taken may hold half of the tags; so a client that does not read
   *  cannot hold up the others. */
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
    if (this.scheduler.count > 0) this.#deferred.raise(this);
  }

  /** `waiter` is called when tags are free, in turn with the others. Only then: a waiter that asked by itself
   *  would spin. */
  wait(waiter: TagWaiter): void {
    this.scheduler.add(waiter);
    if (this.#freeCount > 0) this.#deferred.raise(this);
  }

  /** `waiter` is gone. */
  leave(waiter: TagWaiter): void {
    this.scheduler.remove(waiter);
  }

  /** What they wait for has changed, for example because other pools are in force. Every present waiter looks
   *  for tags again, once, and may wait here again. */
  callAll(): void {
    this.#callAll = true;
    this.#deferred.raise(this);
  }

  /** One round over the present waiters; one that still waits has queued again. */
  runDeferred(): void {
    if (this.#callAll) {
      this.#callAll = false;
      for (const waiter of this.scheduler.drain()) waiter.tagsFree(Number.POSITIVE_INFINITY);
      return;
    }
    for (let turns = this.scheduler.count; turns > 0 && this.#freeCount > 0; turns--) {
      this.scheduler.next()?.tagsFree(this.scheduler.quota);
    }
    if (this.scheduler.count > 0 && this.#freeCount > 0) this.#deferred.raise(this);
  }
}
