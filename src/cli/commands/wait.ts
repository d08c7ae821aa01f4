/** `tnull wait`: until the daemon serves. Source: test-api.md section 1. */

import { setTimeout } from 'node:timers/promises';
import { shown } from '../../config/errors.ts';
import { parseInteger } from '../../config/numbers.ts';
import type { CommandContext, ControlCommand } from '../control-command.ts';
import { StartError, UsageError } from '../usage-error.ts';

const LOOK_MS = 50;
const SECONDS = 30;
const SECONDS_MAX = 86_400;

function secondsOf({ timeout }: CommandContext['flags']): number {
  if (typeof timeout !== 'string') return SECONDS;
  const seconds = parseInteger(timeout);
  if (seconds !== undefined && seconds >= 0 && seconds <= SECONDS_MAX) return seconds;
  throw new UsageError(`--timeout=${shown(timeout)}: must be 0..${SECONDS_MAX} seconds`);
}

/** What answers has all its listeners: the control socket comes last. */
export const wait: ControlCommand = {
  operands: '',
  summary: 'wait until the daemon serves',
  more: 'Its status is 0 when clients can come, and 1 when the time is over.',
  least: 0,
  most: 0,
  flags: [['--timeout <seconds>', `how long (0..${SECONDS_MAX}, default ${SECONDS})`]],
  async run({ reach, flags, json, say }) {
    const seconds = secondsOf(flags);
    const until = performance.now() + seconds * 1000;
    for (;;) {
      try {
        const health = await reach().text('GET', '/healthz');
        return json ? say(health) : undefined;
      } catch (error) {
        if (!(error instanceof StartError)) throw error;
        if (performance.now() >= until) {
          throw new StartError(`not within ${seconds} s: ${error.message}`);
        }
      }
      await setTimeout(Math.max(0, Math.min(LOOK_MS, until - performance.now())));
    }
  },
};
