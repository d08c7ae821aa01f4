/** The injected clock: all code that needs the time gets one, so that a test moves time by hand. */

import type { Nanoseconds } from '../units.ts';

export interface Clock {
  /** Monotonic time in ns; the zero point has no meaning. */
  now(): Nanoseconds;
}

/** All threads of the process have the same zero point. */
export const systemClock: Clock = {
  now: () => (performance.now() * 1e6) as Nanoseconds, // performance.now never falls below zero
};

/** How code runs again later: the event loop's three ways, replaced in tests. */
export interface Scheduler {
  /** Runs `callback` after the sockets have been looked at once more. */
  immediate(callback: () => void): void;
  /** Runs `callback` after `milliseconds`; returns a function that cancels it. */
  timeout(callback: () => void, milliseconds: number): () => void;
}

export const systemScheduler: Scheduler = {
  immediate: (callback) => {
    setImmediate(callback);
  },
  timeout: (callback, milliseconds) => {
    const handle = setTimeout(callback, milliseconds);
    return () => clearTimeout(handle);
  },
};
