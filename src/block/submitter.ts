/** Where a bio is submitted: a hardware queue, or what a device puts before it. The latter sees clients'
 *  commands whole, not the requests that limits make of them. */

import type { Bio } from './bio.ts';
import type { HwQueue } from './hw-queue.ts';
import type { TagPool } from './tag-pool.ts';
import type { Arrival } from './wire-fault.ts';

export interface Submitter {
  /** Bios without a tag wait here. */
  readonly pool: TagPool;
  /** @returns false: there was no tag for all of it; call again when `pool` has some. */
  submit(bio: Bio): boolean;
  /** The end of a batch. */
  unplug(): void;
}

/** What a device puts before its hardware queues for a time. */
export interface Front {
  /** @param client from 1 on, in the order in which they came; 0: the control side. */
  before(hctx: HwQueue, client: number): Submitter;
  /** A client has arrived at the server. @returns undefined: nothing happens to it. */
  arrives(): Arrival | undefined;
}
