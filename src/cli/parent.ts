/** With whose end ours comes (--exit-with-parent). Source: test-api.md section 1. */

import { readFileSync } from 'node:fs';
import { shown } from '../config/errors.ts';
import { parseInteger } from '../config/numbers.ts';
import { UsageError } from './usage-error.ts';

const PARENT = 'TNULL_PARENT';
const PID_MAX = 2 ** 22;

/** @param ppid our parent when we began. Who was killed before that is not seen by it, so that whoever starts us
 *  may say in TNULL_PARENT who it is. The variable is taken out: it is not for our children.
 *  @param proc where the system shows its processes.
 *  @returns whether it has ended. @throws UsageError. */
export function watchedParent(
  ppid: number,
  environment: NodeJS.ProcessEnv,
  proc = '/proc',
): () => boolean {
  const said = environment[PARENT] ?? '';
  delete environment[PARENT];
  if (said === '') return () => process.ppid !== ppid;
  const pid = parseInteger(said);
  if (pid === undefined || pid < 1 || pid > PID_MAX) {
    throw new UsageError(`${PARENT}=${shown(said)}: must be the number of a process`);
  }
  const begun = beginningOf(pid, proc);
  return () => begun === undefined || beginningOf(pid, proc) !== begun;
}

/** When a process began, which tells it from a later one with its number; undefined: it has ended. */
function beginningOf(pid: number, proc: string): string | undefined {
  try {
    const text = readFileSync(`${proc}/${pid}/stat`, 'latin1');
    // Behind the name, which may hold anything: the state is the first field, the beginning the 20th.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    // Ended, or not shown: /proc may not be there, or hide the processes of others.
    return lives(pid) ? 'unknown' : undefined;
  }
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return isNotAllowed(error);
  }
}

function isNotAllowed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPERM';
}
