/** A daemon in which one run comes after the other, each with a device of its own, and the command of a run.
 *  Source: faults.md section 2 (Sweep). */

import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { type Daemon, type DaemonOptions, startDaemon } from '../../daemon/daemon.ts';
import { parsePlan } from '../../rules/plan.ts';
import { makePrivateSocket, type PrivateSocket } from '../private-socket.ts';
import { environment } from '../run-command.ts';
import { type SweepCommand, sweepRule } from './arguments.ts';
import { outcomeOf, type Run } from './report.ts';

const DEVICE = 'nullb0';
/** Of what a command says, in bytes. */
const OUTPUT_MAX = 8 << 10;
/** Of what was struck in one run, for the report. */
const STRIKES_MAX = 16;
/** From SIGTERM to SIGKILL, and for what a command left behind to close its output. */
const GRACE_MS = 1000;

/** What the daemons of a sweep have in common. */
export type Common = Omit<DaemonOptions, 'listen' | 'inherited' | 'stdin' | 'control'>;

export interface Ran {
  readonly run: Run;
  /** How many commands passed the match: so many chances there are at least. */
  readonly matched: number;
}

export class Lane {
  readonly #command: SweepCommand;
  readonly #socket: PrivateSocket;
  readonly #daemon: Daemon;
  #child: ChildProcess | undefined;

  private constructor(command: SweepCommand, socket: PrivateSocket, daemon: Daemon) {
    this.#command = command;
    this.#socket = socket;
    this.#daemon = daemon;
  }

  /** @throws as startDaemon. */
  static async start(command: SweepCommand, common: Common): Promise<Lane> {
    const socket = makePrivateSocket();
    try {
      const daemon = await startDaemon({
        ...common,
        ...{ listen: [{ kind: 'unix', path: socket.path, isPrivate: true }], inherited: [] },
        ...{ stdin: false, control: controlAt(socket.control) },
      });
      return new Lane(command, socket, daemon);
    } catch (error) {
      socket.remove();
      throw error;
    }
  }

  /** @throws ConfigError, ErrnoError: there can be no such device. */
  async run(n: number): Promise<Ran> {
    const { words, seed, outcomes } = this.#command;
    const faults = parsePlan({ seed, rules: [sweepRule(words, n)] });
    const device = { name: DEVICE, attributes: new Map<string, string>(), powered: true, faults };
    await this.#daemon.reconfigure([], [device]);
    const began = performance.now();
    const { status, output } = await this.#execute(n);
    const ms = performance.now() - began;
    const [counts] = this.#daemon.ruleCounts();
    const struck = [...this.#daemon.ruleEntries(DEVICE)]
      .slice(0, STRIKES_MAX)
      .map(({ op, sector, sectors }) => ({ op, sector, sectors }));
    await this.#daemon.reconfigure([device], []);
    const outcome = outcomeOf(status, outcomes);
    const isFine = outcome === 'ok' || outcome === 'skipped';
    return {
      run: { n, struck, status, outcome, ms: Math.round(ms), output: isFine ? '' : output },
      matched: counts?.matched ?? 0,
    };
  }

  /** The command of the run, and what it started, end now. */
  kill(signal: NodeJS.Signals): void {
    const { pid } = this.#child ?? {};
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // All of it has ended.
    }
  }

  async end(): Promise<void> {
    this.kill('SIGKILL');
    await this.#daemon.stop();
    this.#socket.remove();
  }

  /** @returns the status, undefined when it took too long, and the end of what was said. */
  async #execute(n: number): Promise<{ status: number | undefined; output: string }> {
    const { command, timeoutMs } = this.#command;
    const child = spawn('/bin/sh', ['-c', command], {
      ...{ stdio: ['ignore', 'pipe', 'pipe'], detached: true },
      env: { ...process.env, ...environment(this.#daemon), TNULL_SWEEP_N: `${n}` },
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
    // What it left behind would use the next device, and keeps its output open.
    this.kill('SIGKILL');
    await Promise.race([closed, new Promise<void>((resolve) => later(GRACE_MS, resolve))]);
    for (const timer of timers) clearTimeout(timer);
    this.#child = undefined;
    return { status: late ? undefined : status, output: said.text };
  }
}

function controlAt(path: string): DaemonOptions['control'] & object {
  return { socket: { path, isPrivate: true }, http: undefined, tokenFile: undefined };
}

/** The end of what a process says on both its outputs. */
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
