/** What other programs and the time say, as one line for people. */

import { StartError } from '../usage-error.ts';
import type { Machine, Patience } from './machine.ts';

export function missing(program: string, debianPackage: string): StartError {
  return new StartError(`${program} is not installed (Debian: apt-get install ${debianPackage})`);
}

/** What nbd-client says of its failure, without its progress. */
export function clientText(output: string): string {
  const said = output
    .replaceAll('Negotiation: ..', '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(Exiting\.?|size = .*|bs=.*|Warning: .*)$/.test(line))
    .map((line) => line.replace(/^(Error|E): /, ''));
  const text = `nbd-client: ${said.join(' ') || 'it failed, and did not say why'}`;
  return /not permitted|denied/i.test(text) ? `${text} (attaching takes root: sudo)` : text;
}

/** @param isOver whatever the clock says. @throws StartError when the time is over, or nobody waits. */
export function checkTime(
  machine: Machine,
  { until, seconds, ended }: Patience,
  what: string,
  isOver = false,
): void {
  if (ended.aborted) throw new StartError('stopped by a signal');
  if (isOver || machine.now() >= until) throw new StartError(`${what} (within ${seconds} s)`);
}
