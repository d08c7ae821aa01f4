/** How long attaching and detaching may take. */

import { shown } from '../../config/errors.ts';
import { parseInteger } from '../../config/numbers.ts';
import type { CommandContext } from '../control-command.ts';
import { UsageError } from '../usage-error.ts';
import type { Machine, Patience } from './machine.ts';

const SECONDS = 30;
const SECONDS_MAX = 86_400;

export const TIMEOUT = [
  '--timeout <seconds>',
  `how long it may take (1..${SECONDS_MAX}, default ${SECONDS})`,
] as const;

/** From now on. @throws UsageError. */
export function patienceOf(
  { timeout }: CommandContext['flags'],
  machine: Machine,
  ended: AbortSignal,
): Patience {
  const seconds = typeof timeout === 'string' ? parseInteger(timeout) : SECONDS;
  if (seconds === undefined || seconds < 1 || seconds > SECONDS_MAX) {
    throw new UsageError(`--timeout=${shown(String(timeout))}: must be 1..${SECONDS_MAX} seconds`);
  }
  return { until: machine.now() + seconds * 1000, seconds, ended };
}
