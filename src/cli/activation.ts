/** The sockets that systemd, or a program like it, has opened for us.
 *  Source: sd_listen_fds(3); control.md section 1 (LISTEN_FDS, LISTEN_PID). */

import { shown } from '../config/errors.ts';
import type { InheritedSocket } from '../daemon/daemon.ts';
import { StartError } from './usage-error.ts';

const FIRST_FD = 3;
const FDS_MAX = 1024;
const VARIABLES = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES'] as const;

/** Removes the variables from `environment`: children must not see them.
 *  @param pid of this process. @throws StartError when they make no sense. */
export function takeSockets(environment: NodeJS.ProcessEnv, pid: number): InheritedSocket[] {
  const { LISTEN_PID: meant, LISTEN_FDS: count, LISTEN_FDNAMES: names } = environment;
  for (const name of VARIABLES) delete environment[name];
  // They are for another process, which did not remove them.
  if (meant !== String(pid) || count === undefined) return [];
  if (!/^\d{1,9}$/.test(count) || Number(count) > FDS_MAX) {
    throw new StartError(`LISTEN_FDS=${shown(count)}: must be a number of sockets, 0..${FDS_MAX}`);
  }
  const called = names?.split(':') ?? [];
  return Array.from({ length: Number(count) }, (_, n) => ({
    fd: FIRST_FD + n,
    name: called[n] === undefined || called[n] === '' ? undefined : called[n],
  }));
}
