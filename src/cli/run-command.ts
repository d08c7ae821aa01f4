/** `--run`: a shell command beside the daemon, told where to find it; it and what it started end with us. */

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import type { Daemon } from '../daemon/daemon.ts';
import { exportUri } from './ready-lines.ts';

export interface RunningCommand {
  /** The status to exit with: the command's own, or 128 + the signal that ended it. */
  readonly status: Promise<number>;
  /** To the shell and all that it started. */
  kill(signal: NodeJS.Signals): void;
}

const STDIN = 0;

/** Runs `command` with $control, and $uri, $unixsocket and $port of the daemon's first listener and export. */
export function runCommand(command: string, daemon: Daemon): RunningCommand {
  // A process group of its own is found as a whole. It is a session, too, as far as Node goes, and that has no
  // terminal: who types into the command stays in ours, and is found by parents.
  const detached = !isatty(STDIN);
  const child = spawn('/bin/sh', ['-c', command], {
    ...{ stdio: 'inherit', detached },
    env: { ...process.env, ...environment(daemon) },
  });
  const kill = (signal: NodeJS.Signals): void => {
    const { pid } = child;
    if (pid === undefined) return;
    if (detached) send(-pid, signal);
    else for (const one of descendants(pid)) sendOnTerminal(one, signal);
  };
  // Also what the shell left behind, and when we end by a bug.
  if (detached) process.once('exit', () => kill('SIGTERM'));
  return { status: statusOf(child), kill };
}

/** `pid` and those below it. Who had it for a parent that has ended is not found. */
function descendants(pid: number): number[] {
  const all = [pid];
  for (const one of all) all.push(...childrenOf(one));
  return all;
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').map(Number).filter(Boolean);
  } catch {
    return []; // it has ended, or the kernel does not tell
  }
}

/** A shell that somebody types into ignores SIGTERM, and SIGKILL would leave the terminal in its mode: a
 *  hangup ends it as the end of the terminal does. A job that was stopped goes on, to take the signal. */
function sendOnTerminal(pid: number, signal: NodeJS.Signals): void {
  send(pid, signal === 'SIGTERM' && ignoresTerm(pid) ? 'SIGHUP' : signal);
  send(pid, 'SIGCONT');
}

function ignoresTerm(pid: number): boolean {
  try {
    const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return ((BigInt(`0x${mask ?? 0}`) >> BigInt(constants.signals.SIGTERM - 1)) & 1n) === 1n;
  } catch {
    return false; // it has ended
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
}

/** What a command is told of the daemon. */
export function environment(daemon: Daemon): Record<string, string> {
  const [first] = daemon.listening;
  const [device] = daemon.exports;
  const unix = daemon.listening.find((address) => address.kind === 'unix');
  const tcp = daemon.listening.find((address) => address.kind === 'tcp');
  return {
    uri: first === undefined ? '' : exportUri(first, device?.name ?? ''),
    unixsocket: unix?.path ?? '',
    port: tcp === undefined ? '' : String(tcp.port),
    control: daemon.control ?? '',
    // What it runs of tnull's commands asks this daemon.
    ...(daemon.control === undefined ? {} : { TNULL_CONTROL: daemon.control }),
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
