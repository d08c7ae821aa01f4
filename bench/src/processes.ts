/** Programs run for the benchmark: to their end, or in the background until they are stopped. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Debian's package for each program that may be missing. */
const packages: ReadonlyMap<string, string> = new Map([
  ['fio', 'fio'],
  ['nbdkit', 'nbdkit'],
  ['cc', 'gcc libc6-dev'],
]);

/** Why a program could not be run: one line. */
export class ProgramError extends Error {}

function missing(program: string): ProgramError {
  const found = packages.get(program);
  const hint = found === undefined ? '' : `: apt-get install ${found}`;
  return new ProgramError(`${program} is missing${hint}`);
}

/** Runs `program` to its end. @returns its stdout. @throws ProgramError. */
export function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, [...args], { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (error.code === 'ENOENT') reject(missing(program));
      else reject(new ProgramError(`${program} ${args.join(' ')}: ${stderr.trim() || stdout}`));
    });
  });
}

/** A server in the background. */
export class Background {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #failure: Error | undefined;
  #stderr = '';

  constructor(program: string, args: readonly string[]) {
    this.#child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr?.on('data', (data) => {
      this.#stderr += String(data);
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (error: NodeJS.ErrnoException) => {
        this.#failure = error.code === 'ENOENT' ? missing(program) : error;
        resolve();
      });
      this.#child.once('exit', (code) => {
        this.#failure ??= new ProgramError(`${program} ended with ${code}: ${this.#stderr}`);
        resolve();
      });
    });
  }

  /** @throws when it runs no longer. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resident memory in bytes. */
  rss(): number {
    return Number(/VmRSS:\s+(\d+)/.exec(this.#proc('status'))?.[1]) * 1024;
  }

  /** CPU time so far in ms. */
  cpu(): number {
    const fields = this.#proc('stat').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10; // a clock tick is 10 ms
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 3000);
    await this.#exited;
    clearTimeout(force);
  }

  #proc(file: string): string {
    return readFileSync(`/proc/${this.#child.pid}/${file}`, 'utf8');
  }
}
