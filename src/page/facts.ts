/** What an event or an entry of a log tells, as words. Knows no document. */

import { timeText } from './numbers.ts';

/** Facts in nanoseconds. */
const TIMES: ReadonlySet<string> = new Set(['ns', 'delay', 'hang']);

/** `op=read sector=8 errno=EIO`: also what is within `detail` or `attributes`. */
export function factWords(facts: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(facts).flatMap(([name, value]) => {
    if (Array.isArray(value)) return [`${name}=${value.join(',')}`];
    if (typeof value === 'object' && value !== null) return factWords({ ...value });
    if (typeof value !== 'number' || !TIMES.has(name)) return [`${name}=${value}`];
    return [`${name === 'ns' ? 'at' : name}=${timeText(value).replace(' ', '')}`];
  });
}
