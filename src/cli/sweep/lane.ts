/** A daemon in which one run comes after the other, each with a device of its own, and the command of a run.
 *  Source: faults.md section 2 (Sweep). */

import { type Daemon, type DaemonOptions, startDaemon } from '../../daemon/daemon.ts';
import { ConfigError } from '../../daemon/errors.ts';
import type { ConfiguredDevice } from '../../daemon/start-devices.ts';
import { parsePlan } from '../../rules/plan.ts';
import { JudgedProcess } from '../judged-process.ts';
import { outcomeOf } from '../outcome.ts';
import { makePrivateSocket, type PrivateSocket } from '../private-socket.ts';
import { runEnvironment } from '../run-environment.ts';
import { StartError } from '../usage-error.ts';
import { type SweepCommand, sweepRule } from './arguments.ts';
import type { Run } from './report.ts';

const DEVICE = 'nullb0';
/** Of `--image`: powered off, so that no client sees it. */
const IMAGE = 'image';
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
  /** What is there between the runs. */
  readonly #images: readonly ConfiguredDevice[];

  private constructor(
    command: SweepCommand,
    socket: PrivateSocket,
    daemon: Daemon,
    images: readonly ConfiguredDevice[],
  ) {
    this.#command = command;
    this.#images = images;
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
      return new Lane(command, socket, daemon, imagesOf(command, common));
    } catch (error) {
      socket.remove();
      throw error;
    }
  }

  /** @throws ConfigError, ErrnoError: there can be no such device. */
  async run(n: number): Promise<Ran> {
    const { command, timeoutMs, words, seed, outcomes } = this.#command;
    const faults = parsePlan({ seed, rules: [sweepRule(words, n)] });
    const begins = this.#images.length === 0 ? {} : { begins: { clone: IMAGE } };
    const device = { name: DEVICE, attributes: new Map(), powered: true, faults, ...begins };
    await this.#reconfigure([], [device]);
    const began = performance.now();
    const { status, output } = await this.#process.run(
      command,
      { ...runEnvironment(this.#daemon), TNULL_SWEEP_N: `${n}` },
      timeoutMs,
    );
    const ms = performance.now() - began;
    const counts = this.#daemon.ruleCounts().find((one) => one.device === DEVICE);
    const struck = [...this.#daemon.ruleEntries(DEVICE)]
      .slice(0, STRIKES_MAX)
      .map(({ op, sector, sectors }) => ({ op, sector, sectors }));
    await this.#reconfigure([device], []);
    const outcome = outcomeOf(status, outcomes);
    const isFine = outcome === 'ok' || outcome === 'skipped';
    return {
      run: { n, struck, status, outcome, ms: Math.round(ms), output: isFine ? '' : output },
      matched: counts?.matched ?? 0,
    };
  }

  /** Beside the image, which is read before the first run, or when a command has taken it away. */
  async #reconfigure(
    before: readonly ConfiguredDevice[],
    after: readonly ConfiguredDevice[],
  ): Promise<void> {
    try {
      await this.#daemon.reconfigure([...this.#images, ...before], [...this.#images, ...after]);
    } catch (error) {
      const ofImage = `devices.${IMAGE}.image=`;
      if (!(error instanceof ConfigError) || !error.message.startsWith(ofImage)) throw error;
      throw new StartError(`sweep: --image=${error.message.slice(ofImage.length)}`);
    }
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

/** What was typed about size and memory; else the size is the file's, and it is backed by memory. */
function imagesOf(
  { image, serve }: SweepCommand,
  { parameters }: Common,
): readonly ConfiguredDevice[] {
  if (image === undefined) return [];
  const { size, memory_backed } = parameters.options;
  const typed = new Set(serve.words.map(({ name }) => name));
  const attributes = new Map<string, string>();
  if (typed.has('size') || typed.has('gb')) attributes.set('size', `${size}`);
  if (typed.has('memory_backed')) attributes.set('memory_backed', memory_backed ? '1' : '0');
  return [{ name: IMAGE, attributes, powered: false, begins: { image } }];
}

function controlAt(path: string): DaemonOptions['control'] & object {
  return { socket: { path, isPrivate: true }, http: undefined, tokenFile: undefined };
}
