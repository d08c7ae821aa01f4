/** The built program as a user starts it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { folder } from '../folder.ts';
import { newFolder } from '../run-folder.ts';

export const program = new URL('../../bin/tnull.js', import.meta.url).pathname;

export interface Ended {
  /** The exit status, or the signal's name. */
  readonly status: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Everything on stdout so far, once a whole line is there. */
  ready(): Promise<string>;
  /** Everything on stderr so far. */
  stderr(): string;
}

/** Starts the program; what is left of it when the test is over is killed. Not for concurrent tests. */
export function start(...args: readonly string[]): Started {
  return startIn({}, ...args);
}

export function startIn(environment: Environment, ...args: readonly string[]): Started {
  return ofTest(launch(args, environment));
}

/** The same in a shell that first runs `limit`, for example `ulimit -v 2000000`. */
export function startWithin(limit: string, ...args: readonly string[]): Started {
  return startBehind(['bash', '-c', `${limit} && exec "$0" "$@"`], ...args);
}

/** The same by a program that is given it as its last arguments, and becomes it. */
export function startBehind(before: readonly string[], ...args: readonly string[]): Started {
  return ofTest(launch(args, {}, before));
}

function ofTest(launched: Launched): Started {
  onTestFinished(() => {
    launched.child.kill('SIGKILL');
    // Not only when it is closed: what it started may hold its pipes for long.
    launched.clear();
  });
  return launched;
}

/** The address space that a daemon reserves without data: versions of Node differ.
 *  @returns KiB, as `ulimit -v` has it. */
export async function addressKiB(...words: readonly string[]): Promise<number> {
  const args = ['-U', join(folder(), 's'), '--no-control', 'size=1', ...words];
  const { child, ready, ended } = start(...args);
  await ready();
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  child.kill('SIGTERM');
  await ended;
  return Number(/^VmSize:\s+(\d+) kB$/m.exec(status)?.[1]);
}

interface Launched extends Started {
  /** Removes what it had of temporary files. */
  clear(): void;
}

type Environment = Readonly<Record<string, string>>;

function launch(
  args: readonly string[],
  environment: Environment = {},
  before: readonly string[] = [],
): Launched {
  // Each has its own path for its control socket: others' sockets are not in the way.
  const runtime = newFolder();
  const [first = '', ...rest] = [...before, process.execPath, program, ...args];
  const child = spawn(first, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, XDG_RUNTIME_DIR: runtime, ...environment },
  });
  const clear = (): void => rmSync(runtime, { recursive: true, force: true });
  child.once('close', clear);
  let stdout = '';
  let stderr = '';
  let wake = (): void => {};
  child.stdout.on('data', (data) => {
    stdout += data;
    wake();
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => {
      resolve({ status: code ?? signal, stdout, stderr });
      wake();
    });
  });
  return {
    ...{ child, ended, clear },
    stderr: () => stderr,
    async ready() {
      while (!stdout.endsWith('\n')) {
        if (child.exitCode !== null) throw new Error(`ended before it was ready: ${stderr}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return stdout;
    },
  };
}

export function run(...args: readonly string[]): Promise<Ended> {
  return launch(args).ended;
}

export function runIn(environment: Environment, ...args: readonly string[]): Promise<Ended> {
  return launch(args, environment).ended;
}
