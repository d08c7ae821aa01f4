/** `--run`: a shell command beside us. The command and its children end with us. */

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { clearTimeout, setTimeout } from 'node:timers';
import { isatty } from 'node:tty';
import { limits } from '../server/limits.ts';

export interface RunningCommand {
  /** The status to exit with: the command's own, or 128 + the signal that ended it. */
  readonly status: Promise<number>;
  /** Sent to the shell and all its children. */
  kill(signal: NodeJS.Signals): void;
}

const STDIN = 0;

/** @param variables beside our own environment. */
export function runCommand(
  command: string,
  variables: Readonly<Record<string, string>>,
): RunningCommand {
  // A process group of its own can be found as a whole. In Node it is also a session, which has no terminal:
  // if somebody types into the command it stays in our group, and is found by its parents.
  const detached = !isatty(STDIN);
  const child = spawn('/bin/sh', ['-c', command], {
    ...{ stdio: 'inherit', detached },
    env: { ...process.env, ...variables },
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

/** `pid` and its descendants. A process whose parent has ended is not found. */
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

/** An interactive shell ignores SIGTERM, and SIGKILL would leave the terminal in its mode: a hangup ends it,
 *  like the end of the terminal. A stopped job continues, so that it takes the signal. */
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

/** Asks the command to end. It has as long as requests have. */
export function endCommand({ kill, status }: RunningCommand): void {
  kill('SIGTERM');
  const timer = setTimeout(() => kill('SIGKILL'), limits.drainTime.max);
  status.finally(() => clearTimeout(timer));
}

function statusOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once('close', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
