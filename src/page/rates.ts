/** What was done in a second, from two looks at counters. */

import type { StatsAnswer } from '../client/made/answers.ts';

export interface Rate {
  /** Per second. */
  readonly requests: number;
  /** Per second. */
  readonly bytes: number;
}

export interface Rates {
  readonly read: Rate;
  readonly write: Rate;
  /** Everything else. */
  readonly other: Rate;
}

export interface Look {
  /** Milliseconds. */
  readonly at: number;
  readonly stats: StatsAnswer;
}

const NONE: Rate = { requests: 0, bytes: 0 };

export const NO_RATES: Rates = { read: NONE, write: NONE, other: NONE };

/** Zero where there is no earlier look, or counters began anew in between. */
export function ratesBetween(before: Look | undefined, now: Look): Rates {
  const seconds = before === undefined ? 0 : (now.at - before.at) / 1000;
  if (before === undefined || seconds <= 0) return NO_RATES;
  const rate = (name: keyof StatsAnswer['operations']): Rate => {
    const [from, to] = [before.stats.operations[name], now.stats.operations[name]];
    const requests = to.requests - from.requests;
    // The power went off and on.
    if (requests < 0) return NONE;
    return {
      requests: requests / seconds,
      bytes: (Number(to.bytes) - Number(from.bytes)) / seconds,
    };
  };
  const others = (['discard', 'write-zeroes', 'flush', 'zone'] as const).map(rate);
  const sum = (of: keyof Rate): number => others.reduce((all, one) => all + one[of], 0);
  return {
    read: rate('read'),
    write: rate('write'),
    other: { requests: sum('requests'), bytes: sum('bytes') },
  };
}

/** All errors since power on, whatever the cause. */
export function errorsOf({ errors }: StatsAnswer): number {
  // The names of errnos are in capitals; those of causes say the same errors again.
  const errnos = Object.entries(errors).filter(([name]) => /^E[A-Z]+$/.test(name));
  return errnos.reduce((all, [, count]) => all + count, 0);
}
