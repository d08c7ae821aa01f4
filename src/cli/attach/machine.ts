/** What attaching needs of the machine: files of the kernel, programs, time. Tests put their own in its place.
 *  Nothing here waits longer than it is told to: a device whose server does not answer keeps a program that
 *  reads it in the kernel, where no signal reaches it. */

import { spawn } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
} from 'node:fs';
import { setTimeout as later } from 'node:timers/promises';
import { flock } from '../../server/file-lock.ts';

/** Until when something may take. */
export interface Patience {
  /** On the clock of `Machine.now`. */
  readonly until: number;
  /** For the message when it is over. */
  readonly seconds: number;
  /** Aborted when nobody waits any more. */
  readonly ended: AbortSignal;
}

export interface Ran {
  /** `missing`: it is not installed. `late`: it was not done in time, and may still run. */
  readonly status: number | 'missing' | 'late';
  /** Of both its outputs. */
  readonly output: string;
}

export interface Machine {
  /** The names in a folder; none if there is no such folder. */
  list(folder: string): readonly string[];
  /** The text of a file; undefined: it cannot be read. */
  read(file: string): string | undefined;
  /** What a symbolic link names; undefined: it cannot be read. */
  link(path: string): string | undefined;
  exists(path: string): boolean;
  /** Whether we may write there: undefined, or the errno that says why not. */
  refusal(path: string): string | undefined;
  run(program: string, words: readonly string[], patience: Patience): Promise<Ran>;
  /** One attach at a time. Undefined: another one is under way. @returns frees it. */
  lock(): Promise<(() => void) | undefined>;
  /** In ms. */
  now(): number;
  wait(ms: number): Promise<void>;
}

/** Where sysadmins' programs are, also for users who do not have that in their PATH. */
const PATH = `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`;
const OUTPUT_MAX = 64 << 10;
/** Every attach finds it, and none needs a file of its own to leave behind. */
const LOCKED = '/sys/block';

function orUndefined<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined; // not there, or not for us
  }
}

export const thisMachine: Machine = {
  list: (folder) => orUndefined(() => readdirSync(folder)) ?? [],
  read: (file) => orUndefined(() => readFileSync(file, 'utf8')),
  link: (path) => orUndefined(() => readlinkSync(path)),
  exists: existsSync,
  refusal(path) {
    try {
      accessSync(path, constants.R_OK | constants.W_OK);
      return undefined;
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : 'EIO';
    }
  },
  run: runProgram,
  async lock() {
    const fd = openSync(LOCKED, constants.O_RDONLY | constants.O_DIRECTORY);
    const problem = await flock(fd);
    if (problem?.kind === 'held') {
      closeSync(fd);
      return undefined;
    }
    // Without flock(1) attaches at the same moment may meet.
    return () => closeSync(fd);
  },
  now: () => performance.now(),
  wait: (ms) => later(ms),
};

function runProgram(
  program: string,
  words: readonly string[],
  { until, ended }: Patience,
): Promise<Ran> {
  return new Promise((resolve) => {
    let output = '';
    // A terminal's signals are for us: half of an attach would stay.
    const child = spawn(program, words, {
      ...{ stdio: ['ignore', 'pipe', 'pipe'], detached: true },
      env: { ...process.env, PATH, LC_ALL: 'C' },
    });
    const heard = (part: Buffer): void => {
      if (output.length < OUTPUT_MAX) output += part.toString('utf8');
    };
    const done = (status: Ran['status']): void => {
      clearTimeout(timer);
      ended.removeEventListener('abort', giveUp);
      for (const stream of [child.stdout, child.stderr]) stream.destroy();
      child.unref();
      resolve({ status, output });
    };
    const giveUp = (): void => {
      child.kill('SIGKILL');
      done('late');
    };
    const timer = setTimeout(giveUp, Math.max(0, until - performance.now()));
    ended.addEventListener('abort', giveUp);
    for (const stream of [child.stdout, child.stderr]) stream.on('data', heard);
    child.once('error', (error) => {
      output += error.message;
      done('code' in error && error.code === 'ENOENT' ? 'missing' : 1);
    });
    child.once('close', (code) => done(code ?? 1));
    if (ended.aborted) giveUp();
  });
}
