/** What the block layer needs of the world. */

import type { Clock } from '../time/clock.ts';
import type { Deferred } from '../time/deferred.ts';
import type { TimerQueue } from '../time/timer-queue.ts';

export interface BlockContext {
  readonly clock: Clock;
  readonly timers: TimerQueue;
  readonly deferred: Deferred;
}
