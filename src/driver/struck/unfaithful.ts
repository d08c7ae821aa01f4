/** Which rules have a device say that something was done that was not, or not as it was asked for.
 *  Source: crash.md section 2 (Live). */

import { Command } from '../../block/command.ts';
import type { Action } from '../../rules/actions.ts';

/** Of a command that is answered with success. */
export function isUnfaithful(action: Action | undefined, command: Command): boolean {
  const kind = action?.kind;
  if (command === Command.READ || command === Command.FLUSH) return false;
  return kind === 'lose' || kind === 'torn' || kind === 'misdirect' || kind === 'corrupt';
}
