/** Does something to a device between two commands: what was begun goes on to its end, what comes waits, and
 *  nobody's connection is touched. Source: crash.md section 1. */

import type { BlockContext } from '../../block/context.ts';
import { ErrnoError } from '../../config/errors.ts';
import type { DeferredWork } from '../../time/deferred.ts';
import { Timer } from '../../time/timer-queue.ts';
import type { Nanoseconds } from '../../units.ts';

/** So often it looks with each turn, then with a timer: what is held up by a fault or the bandwidth limit takes
 *  its time. */
const LOOKS_BY_TURN = 64;
const LOOK_AGAIN_NS = 1e6;
/** What does not end in this time may never end. */
const GIVE_UP_NS = 5e9;

/** A device as far as it can be held up. */
export interface Holdable {
  readonly name: string;
  readonly queue: { hold(): void; resume(): void };
  /** Is no command carried out in part? */
  isQuiet(): boolean;
  /** What is in flight, for humans. */
  inFlight(): string;
}

/** Done at once where no command is under way. @throws ErrnoError EBUSY when one does not end. */
export function betweenCommands<T>(
  device: Holdable,
  { clock, deferred, timers }: BlockContext,
  work: () => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (device.isQuiet()) return resolve(work());
    const end = clock.now() + GIVE_UP_NS;
    let looks = 0;
    // Nothing comes between the look and the work.
    const look = (): void => {
      if (device.isQuiet()) settle(() => resolve(work()));
      else if (clock.now() >= end) {
        const why = device.inFlight() || 'commands that wait for tags';
        settle(() => reject(new ErrnoError('EBUSY', `${device.name}: does not end: ${why}`)));
      } else if (++looks < LOOKS_BY_TURN) deferred.raiseNextTurn(turn);
      else timers.start(timer, (clock.now() + LOOK_AGAIN_NS) as Nanoseconds); // a time plus a duration
    };
    const settle = (how: () => void): void => {
      try {
        how();
      } catch (error) {
        reject(error);
      } finally {
        device.queue.resume();
      }
    };
    const turn: DeferredWork = { raised: false, runDeferred: look };
    const timer = new Timer({ timerExpired: look });
    device.queue.hold();
    deferred.raiseNextTurn(turn);
  });
}
