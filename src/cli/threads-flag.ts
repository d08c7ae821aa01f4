/** How many threads for sockets: text of the command line, or a number of the configuration. */

import { shown } from '../config/errors.ts';
import { parseInteger } from '../config/numbers.ts';
import { UsageError } from './usage-error.ts';

/** More than most machines have cores, and each thread has memory of its own. */
export const THREADS_MAX = 64;

/** @throws UsageError in one line that names the flag. */
export function parseThreads(text: string): number {
  return judged(parseInteger(text), `--threads=${shown(text)}`);
}

/** @throws UsageError in one line that names the path. */
export function threadsAt(path: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  return judged(value, path);
}

function judged(value: unknown, said: string): number {
  const fine = typeof value === 'number' && Number.isInteger(value);
  if (fine && value >= 1 && value <= THREADS_MAX) return value;
  throw new UsageError(`${said}: must be 1..${THREADS_MAX}`);
}
