/** Everything that decides when code runs: one clock, its timers, the deferred context, turns and how to
 *  wait. The clock and the scheduler come in: the system's, or a simulation's. */

import { Turn } from '../server/turn.ts';
import { BusyPoll } from '../time/busy-poll.ts';
import type { Clock, Scheduler } from '../time/clock.ts';
import { Deferred } from '../time/deferred.ts';
import { Pacing } from '../time/pacing.ts';
import { Slicer } from '../time/slicer.ts';
import { TimerQueue } from '../time/timer-queue.ts';
import { Turns } from '../time/turns.ts';
import type { Nanoseconds } from '../units.ts';

export interface Timing {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly timers: TimerQueue;
  readonly deferred: Deferred;
  readonly turn: Turn;
  readonly pacing: Pacing;
  /** For all long work of the control side. */
  readonly slicer: Slicer;
}

/** @param busyPoll how long the sockets are polled after traffic; 0: never. */
export function makeTiming(clock: Clock, scheduler: Scheduler, busyPoll: Nanoseconds): Timing {
  const turns = new Turns();
  const timers = new TimerQueue(turns);
  const deferred = new Deferred(turns);
  const turn = new Turn(deferred, turns);
  const poll = new BusyPoll(busyPoll);
  const pacing = new Pacing(clock, scheduler, timers, deferred, poll, turn);
  turn.onRest = (lookAgain) => pacing.rest(lookAgain);
  turns.onNeeded = () => pacing.rest(true);
  const slicer = new Slicer(clock, scheduler);
  return { clock, scheduler, timers, deferred, turn, pacing, slicer };
}
