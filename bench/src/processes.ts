/** Programs run for the benchmark: to their end, or in the background until they are stopped. None of
 *  them outlives the benchmark, however it ends. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './proc.ts';

/** Debian's package for each program that may be missing. */
const packages: ReadonlyMap<string, string> = new Map([
  ['fio', 'fio'],
  ['nbdkit', 'nbdkit'],
  ['cc', 'gcc libc6-dev'],
  ['qemu-nbd', 'qemu-utils'],
  ['nbd-server', 'nbd-server'],
  ['nbdcopy', 'libnbd-bin'],
  ['perf', 'linux-perf'],
]);

/** Why a program could not be run: one line. */
export class ProgramError extends Error {}

function missing(program: string): ProgramError {
  const found = packages.get(program);
  const hint = found === undefined ? '' : `: apt-get install ${found}`;
  return new ProgramError(`${program} is missing${hint}`);
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs `program` to its end. @returns its stdout. @throws ProgramError. */
export function run(
  program: string,
  args: readonly string[],
  { cwd, env }: RunOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 1 << 26, cwd, env: { ...process.env, ...env } };
    const child = execFile(program, [...args], options, (error, stdout, stderr) => {
      running.delete(child.pid ?? 0);
      if (error === null) resolve(stdout);
      else if (error.code === 'ENOENT') reject(missing(program));
      else reject(new ProgramError(`${program} ${args.join(' ')}: ${stderr.trim() || stdout}`));
    });
    // Scripts clean up when they are asked to end.
    if (child.pid !== undefined) running.set(child.pid, 'SIGTERM');
  });
}

/** What must end with the benchmark, and the files and folders to remove with it. */
const running = new Map<number, NodeJS.Signals>();
export const scratch = new Set<string>();

/** Ends what still runs and removes what is left; for the end of the benchmark itself. */
export function endAll(): void {
  for (const [pid, signal] of running) kill(pid, signal);
  for (const path of scratch) rmSync(path, { recursive: true, force: true });
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}

/** A program in the background. */
export class Background {
  readonly #child: ChildProcess;
  readonly #program: string;
  readonly #exited: Promise<number | null>;
  readonly #pidFile: string | undefined;
  #failure: Error | undefined;
  #stdout = '';
  #stderr = '';
  #pid: number;

  /** @param pidFile where the program writes it, when it leaves the foreground by itself. */
  constructor(program: string, args: readonly string[], pidFile?: string) {
    this.#program = program;
    this.#pidFile = pidFile;
    this.#child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#pid = this.#child.pid ?? 0;
    if (this.#pid !== 0) running.set(this.#pid, 'SIGKILL');
    this.#child.stdout?.on('data', (data) => {
      this.#stdout += String(data);
    });
    this.#child.stderr?.on('data', (data) => {
      this.#stderr += String(data);
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (error: NodeJS.ErrnoException) => {
        this.#failure = error.code === 'ENOENT' ? missing(program) : error;
        resolve(null);
      });
      this.#child.once('exit', (code) => {
        running.delete(this.#child.pid ?? 0);
        if (pidFile === undefined || code !== 0) {
          const said = this.#stderr.trim().split('\n')[0] ?? '';
          this.#failure ??= new ProgramError(`${program} ended with ${code}: ${said}`);
        }
        resolve(code);
      });
    });
  }

  get pid(): number {
    return this.#pid;
  }

  /** What it has printed so far. */
  get stdout(): string {
    return this.#stdout;
  }

  /** @throws when it runs no longer. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Waits until a program that left the foreground has written its process id; for others it does nothing. */
  async settle(): Promise<void> {
    if (this.#pidFile === undefined) return;
    await this.#exited;
    this.check();
    for (let attempt = 0; attempt < 1000; attempt++) {
      const pid = readPid(this.#pidFile);
      if (pid !== undefined) {
        this.#pid = pid;
        running.set(pid, 'SIGKILL');
        return;
      }
      await sleep(1);
    }
    throw new ProgramError(`${this.#program} wrote no ${this.#pidFile}`);
  }

  signal(signal: NodeJS.Signals): void {
    kill(this.#pid, signal);
  }

  /** Asks it to end. @returns what it printed. */
  async stop(): Promise<string> {
    kill(this.#pid, 'SIGTERM');
    const force = setTimeout(() => kill(this.#pid, 'SIGKILL'), 3000);
    await this.#exited;
    while (isAlive(this.#pid)) await sleep(5);
    clearTimeout(force);
    running.delete(this.#pid);
    return this.#stdout;
  }
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
