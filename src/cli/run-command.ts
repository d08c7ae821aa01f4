/** `--run`: a shell command beside the daemon, told where to find it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Daemon } from '../daemon/daemon.ts';
import { exportUri } from './ready-lines.ts';

export interface RunningCommand {
  /** The status to exit with: the command's own, or 128 + the signal that ended it. */
  readonly status: Promise<number>;
  kill(signal: NodeJS.Signals): void;
}

/** Runs `command` with $control, and $uri, $unixsocket and $port of the daemon's first listener and export. */
export function runCommand(command: string, daemon: Daemon): RunningCommand {
  const child = spawn('/bin/sh', ['-c', command], {
    stdio: 'inherit',
    env: { ...process.env, ...environment(daemon) },
  });
  return { status: statusOf(child), kill: (signal) => child.kill(signal) };
}

function environment(daemon: Daemon): Record<string, string> {
  const [first] = daemon.listening;
  const [device] = daemon.exports;
  const unix = daemon.listening.find((address) => address.kind === 'unix');
  const tcp = daemon.listening.find((address) => address.kind === 'tcp');
  return {
    uri: first === undefined ? '' : exportUri(first, device?.name ?? ''),
    unixsocket: unix?.path ?? '',
    port: tcp === undefined ? '' : String(tcp.port),
    control: daemon.control ?? '',
  };
}

function statusOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once('close', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
