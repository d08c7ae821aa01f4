/** Durations as text: a number and its unit. Source: faults.md section 1; docs/faults.md. */

import type { Nanoseconds } from '../units.ts';

const NS = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 } as const;
const DURATION = /^(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)$/;
/** Beyond it the clock does not count exactly. */
const MOST_NS = 2 ** 53;

export const DURATION_RULE = 'a duration: a number with ns, us, ms, s, m or h, at most 2501h';

/** Whole nanoseconds, or undefined when the text is not a duration or beyond 104 days. */
export function parseDuration(text: string): Nanoseconds | undefined {
  const [, number = '', unit] = DURATION.exec(text) ?? [];
  if (unit === undefined) return undefined;
  const ns = Math.round(Number(number) * NS[unit as keyof typeof NS]); // the expression names these alone
  return ns <= MOST_NS ? (ns as Nanoseconds) : undefined; // whole and not negative, by the expression
}
