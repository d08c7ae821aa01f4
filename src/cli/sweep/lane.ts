/** A daemon in which one run comes after the other, each with a device of its own, and the command of a run.
 *  Source: faults.md section 2 (Sweep). */

import { type Daemon, type DaemonOptions, startDaemon } from '../../daemon/daemon.ts';
import { parsePlan } from '../../rules/plan.ts';
import { JudgedProcess } from '../judged-process.ts';
import { outcomeOf } from '../outcome.ts';
import { makePrivateSocket, type PrivateSocket } from '../private-socket.ts';
import { environment } from '../run-command.ts';
import { type SweepCommand, sweepRule } from './arguments.ts';
import type { Run } from './report.ts';

const DEVICE = 'nullb0';
/** Of what was struck in one run, for the report. */
const STRIKES_MAX = 16;

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
  readonly #process = new JudgedProcess();

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
    const { command, timeoutMs, words, seed, outcomes } = this.#command;
    const faults = parsePlan({ seed, rules: [sweepRule(words, n)] });
    const device = { name: DEVICE, attributes: new Map<string, string>(), powered: true, faults };
    await this.#daemon.reconfigure([], [device]);
    const began = performance.now();
    const { status, output } = await this.#process.run(
      command,
      { ...environment(this.#daemon), TNULL_SWEEP_N: `${n}` },
      timeoutMs,
    );
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
    this.#process.kill(signal);
  }

  async end(): Promise<void> {
    this.kill('SIGKILL');
    await this.#daemon.stop();
    this.#socket.remove();
  }
}

function controlAt(path: string): DaemonOptions['control'] & object {
  return { socket: { path, isPrivate: true }, http: undefined, tokenFile: undefined };
}
