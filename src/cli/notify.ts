/** Tells the service manager our state: READY, STOPPING and a status. Source: sd_notify(3).
 *  Its socket takes datagrams, which Node does not have for unix sockets: systemd's own `systemd-notify`
 *  sends them. As root it sends in our name, otherwise in its own: a unit needs NotifyAccess=all. */

import { spawn } from 'node:child_process';

export interface Notifier {
  /** True when a service manager listens. */
  readonly isWanted: boolean;
  /** `READY=1`, `STATUS=...`: one message. Never blocks, never throws.
   *  @returns resolves when it was sent, or never will be. */
  tell(...assignments: readonly string[]): Promise<void>;
}

const PROGRAM = 'systemd-notify';

/** Removes NOTIFY_SOCKET from `environment`: children must not see it. Without it nothing is done.
 *  @param warn is told, once, why nothing can be sent. */
export function takeNotifier(
  environment: NodeJS.ProcessEnv,
  warn: (line: string) => void,
): Notifier {
  const { NOTIFY_SOCKET: socket } = environment;
  delete environment['NOTIFY_SOCKET'];
  if (socket === undefined || socket === '') {
    return { isWanted: false, tell: async () => {} };
  }
  let last: Promise<unknown> = Promise.resolve();
  let warned = false;
  const send = async (assignments: readonly string[]): Promise<void> => {
    const problem = await run(assignments, { ...environment, NOTIFY_SOCKET: socket });
    if (problem === undefined || warned) return;
    warned = true;
    warn(`NOTIFY_SOCKET is set, but ${PROGRAM} ${problem}: the service manager hears nothing`);
  };
  return {
    isWanted: true,
    tell(...assignments) {
      // One after the other: a status must not overtake the one before.
      const sent = last.then(() => send(assignments));
      last = sent;
      return sent;
    },
  };
}

/** @returns what went wrong. */
function run(
  assignments: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(PROGRAM, [...assignments], {
      ...{ env: environment, stdio: 'ignore' },
    });
    child.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'ENOENT' ? 'is not installed' : `did not start (${error.message})`);
    });
    child.once('exit', (code, signal) => {
      resolve(code === 0 ? undefined : `failed (${signal ?? `status ${code}`})`);
    });
  });
}
