/** Who gets a free tag: the order of those who wait for one. `mq-deadline`, the default, is fair over
 *  connections, gives reads precedence and holds deadlines; `none` (no_sched) is arrival order.
 *  Knows no tags. Source: rnull-series 21, 22; parameter no_sched; driver.md section 2. */

import type { Clock } from '../time/clock.ts';

/** A submitter with a command and no tag for it. */
export interface TagWaiter {
  /** Kept by the scheduler; begins false. */
  waiting: boolean;
  /** Kept by the scheduler: since when, in ns. */
  waitingSince: number;
  /** What waits is a read. */
  readonly waitsToRead: boolean;
  /** Tags are free: take at most `quota`, and wait again if you need more. */
  tagsFree(quota: number): void;
}

/** The longest wait in ns; after it precedence no longer counts. */
const READ_DEADLINE_NS = 500e6;
const WRITE_DEADLINE_NS = 5e9;
/** Two batches of 16 reads may go before writes that wait; then a batch of 16 writes. */
const BATCH = 16;
const READS_BEFORE_WRITES = 2 * BATCH;

export class Scheduler {
  readonly name: 'mq-deadline' | 'none';
  readonly #clock: Clock;
  #waiters: TagWaiter[] = [];
  /** Turns taken while reads and writes both waited: reads first, then a batch of writes. */
  #given = 0;
  /** How many tags the waiter that `next` just named may take. */
  quota = 1;

  constructor(clock: Clock, none: boolean) {
    this.#clock = clock;
    this.name = none ? 'none' : 'mq-deadline';
  }

  get count(): number {
    return this.#waiters.length;
  }

  add(waiter: TagWaiter): void {
    if (waiter.waiting) return;
    waiter.waiting = true;
    waiter.waitingSince = this.#clock.now();
    this.#waiters.push(waiter);
  }

  /** `waiter` is gone. */
  remove(waiter: TagWaiter): void {
    const at = this.#waiters.indexOf(waiter);
    if (at < 0) return;
    waiter.waiting = false;
    this.#waiters.splice(at, 1);
  }

  /** Takes the next waiter out of the line. A connection's next command queues behind the others, so that all
   *  have their turn. */
  next(): TagWaiter | undefined {
    const waiter = this.#choose();
    if (waiter === undefined) return undefined;
    this.remove(waiter);
    const unlimited = this.name === 'none' || this.#waiters.length === 0;
    this.quota = unlimited ? Number.POSITIVE_INFINITY : 1;
    return waiter;
  }

  /** Everybody who waits now, in the order of arrival. */
  *drain(): Generator<TagWaiter> {
    for (let left = this.#waiters.length; left > 0; left--) {
      const waiter = this.#waiters.shift(); // a waiter that waits again is behind all of them
      if (waiter === undefined) return;
      waiter.waiting = false;
      yield waiter;
    }
  }

  #choose(): TagWaiter | undefined {
    const [first] = this.#waiters;
    if (first === undefined || this.name === 'none') return first;
    const expired = this.#expired();
    if (expired !== undefined) return expired;
    const read = this.#waiters.find(isRead);
    const write = this.#waiters.find(isWrite);
    if (read === undefined || write === undefined) {
      this.#given = 0;
      return read ?? write;
    }
    const chosen = this.#given < READS_BEFORE_WRITES ? read : write;
    this.#given = (this.#given + 1) % (READS_BEFORE_WRITES + BATCH);
    return chosen;
  }

  /** The waiter whose deadline passed longest ago. */
  #expired(): TagWaiter | undefined {
    const now = this.#clock.now();
    let latest = 0;
    let found: TagWaiter | undefined;
    for (const one of this.#waiters) {
      const deadline = one.waitsToRead ? READ_DEADLINE_NS : WRITE_DEADLINE_NS;
      const late = now - one.waitingSince - deadline;
      if (late < 0 || (found !== undefined && late <= latest)) continue;
      latest = late;
      found = one;
    }
    return found;
  }
}

function isRead(waiter: TagWaiter): boolean {
  return waiter.waitsToRead;
}

function isWrite(waiter: TagWaiter): boolean {
  return !waiter.waitsToRead;
}
