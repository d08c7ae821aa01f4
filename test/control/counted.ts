/** How many turns long work leaves to the event loop, however long it takes. */

import { systemScheduler } from '../../src/time/clock.ts';
import { Slicer } from '../../src/time/slicer.ts';
import { nanoseconds } from '../../src/units.ts';

/** A slice has so many pieces: the clock goes on by 20 us with each reading. */
export const PIECES = 10;

/** A slicer whose turns are counted; `onTurn` is called in each, before its slice. */
export function counted() {
  let now = 0;
  const count = { turns: 0, onTurn: () => {} };
  const clock = {
    now: () => {
      now += 200_000 / PIECES;
      return nanoseconds(now);
    },
  };
  const immediate = (callback: () => void): void => {
    systemScheduler.immediate(() => {
      count.turns++;
      count.onTurn();
      callback();
    });
  };
  return { slicer: new Slicer(clock, { ...systemScheduler, immediate }), count };
}
