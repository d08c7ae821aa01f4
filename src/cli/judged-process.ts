/** A shell command that runs again and again, and is judged by its status. It has a time limit; the end of
 *  its output is kept; processes that it leaves behind are killed. */

import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';

/** How much of a command's output is kept, in bytes. */
const OUTPUT_MAX = 8 << 10;
/** Time from SIGTERM to SIGKILL, and for left-over processes to close the command's output. */
const GRACE_MS = 1000;

export interface Judged {
  /** Undefined: it took too long. */
  readonly status: number | undefined;
  /** The end of its output. */
  readonly output: string;
}

/** One at a time. */
export class JudgedProcess {
  #child: ChildProcess | undefined;

  /** @param environment beside our own. @param timeoutMs Infinity: no limit. */
  async run(
    command: string,
    environment: Readonly<Record<string, string>>,
    timeoutMs: number,
  ): Promise<Judged> {
    const child = spawn('/bin/sh', ['-c', command], {
      ...{ stdio: ['ignore', 'pipe', 'pipe'], detached: true },
      env: { ...process.env, ...environment },
    });
    this.#child = child;
    const said = new Tail(child);
    const closed = new Promise<void>((resolve) => void child.once('close', () => resolve()));
    let late = false;
    const timers: NodeJS.Timeout[] = [];
    const later = (ms: number, then: () => void): void => {
      if (ms !== Number.POSITIVE_INFINITY) timers.push(setTimeout(then, ms));
    };
    later(timeoutMs, () => {
      late = true;
      this.kill('SIGTERM');
      later(GRACE_MS, () => this.kill('SIGKILL'));
    });
    const status = await statusOf(child);
    // Left-over processes would use the next device, and keep its output open.
    this.kill('SIGKILL');
    await Promise.race([closed, new Promise<void>((resolve) => later(GRACE_MS, resolve))]);
    for (const timer of timers) clearTimeout(timer);
    this.#child = undefined;
    return { status: late ? undefined : status, output: said.text };
  }

  /** Ends the command, and what it started, now. */
  kill(signal: NodeJS.Signals): void {
    const { pid } = this.#child ?? {};
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // All of it has ended.
    }
  }
}

/** The end of what a process writes to both its outputs. */
class Tail {
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor({ stdout, stderr }: ChildProcess) {
    for (const stream of [stdout, stderr]) stream?.on('data', (part: Buffer) => this.#add(part));
  }

  get text(): string {
    return Buffer.concat(this.#parts).subarray(-OUTPUT_MAX).toString('utf8');
  }

  #add(part: Buffer): void {
    this.#parts.push(part);
    this.#bytes += part.length;
    if (this.#bytes < 2 * OUTPUT_MAX) return;
    const kept = Buffer.concat(this.#parts).subarray(-OUTPUT_MAX);
    this.#parts = [kept];
    this.#bytes = kept.length;
  }
}

function statusOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once('exit', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
