/** What stands before a disk's hardware queues while commands are held up: what was begun goes on, the others
 *  wait in a line of their own. Not a front that decides anything. Source: crash.md section 1. */

import type { Bio } from './bio.ts';
import type { BlockContext } from './context.ts';
import type { HwQueue } from './hw-queue.ts';
import { Scheduler } from './scheduler.ts';
import type { Front, Submitter } from './submitter.ts';
import { TagPool } from './tag-pool.ts';
import type { Arrival } from './wire-fault.ts';

export class HeldCommands implements Front {
  readonly #inner: () => Front | undefined;
  /** There is never a tag in it. */
  readonly #line: TagPool;

  /** @param inner what stood there before, and still does. */
  constructor(inner: () => Front | undefined, { deferred, clock }: BlockContext) {
    this.#inner = inner;
    this.#line = new TagPool(0, 0, deferred, new Scheduler(clock, true));
  }

  before(hctx: HwQueue, client: number): Submitter {
    const next: Submitter = this.#inner()?.before(hctx, client) ?? hctx;
    const line = this.#line;
    let held = false;
    return {
      get pool(): TagPool {
        return held ? line : next.pool;
      },
      submit(bio: Bio): boolean {
        held = bio.submitted === 0 && !bio.continues;
        return !held && next.submit(bio);
      },
      unplug(): void {
        next.unplug();
      },
    };
  }

  arrives(): Arrival | undefined {
    return this.#inner()?.arrives();
  }

  /** Those that wait look for tags again. */
  open(): void {
    this.#line.callAll();
  }
}
