/** Runs a command for a running daemon: its words, its help, the socket. Source: control.md section 1. */

import { basename } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { checkFolder, defaultPlace, otherSockets } from '../daemon/control-path.ts';
import type { TextSink } from '../daemon/text-output.ts';
import { flagsAsWords } from './attribute-words.ts';
import { readCommandLine } from './command-line.ts';
import { ControlClient } from './control-client.ts';
import type { ControlCommand } from './control-command.ts';
import type { Streams } from './process-end.ts';
import { readStandardInput } from './standard-input.ts';
import { StartError, UsageError } from './usage-error.ts';

const LOOK_MS = 1000;

const COMMON = [
  ['--control <path>', "the daemon's control socket"],
  ['--json', 'JSON for programs'],
] as const;

/** @returns the exit status. @throws UsageError, StartError in one line. */
export async function runControl(
  name: string,
  command: ControlCommand,
  argv: readonly string[],
  streams: Streams,
): Promise<number> {
  const stdout = streams.stdout('command');
  const line = readCommandLine(
    name,
    command,
    COMMON,
    command.takesAttributes === true ? flagsAsWords(argv) : argv,
  );
  if ('help' in line) {
    stdout.write(`${line.help}${(await command.further?.()) ?? ''}`);
    return 0;
  }
  const { control, json, ...flags } = line.flags;
  const lasts = command.lasts === true || flags['watch'] === true || flags['follow'] === true;
  const looks = lasts ? new Looks(streams) : undefined;
  let status = 0;
  await command.run({
    client: controlClient(control, streams),
    reach: () => controlClient(control, streams),
    operands: line.operands,
    flags,
    json: json === true,
    say: (text) => stdout.write(text),
    sayBytes: async (bytes) => {
      stdout.write(bytes);
      return (await stdout.flush()) === undefined;
    },
    warn: (text) => streams.stderr.write(`tnull: ${text}\n`),
    read: readStandardInput,
    nextLook: async () => (await looks?.next()) ?? false,
    wasRead: async () => (await looks?.wasRead()) ?? true,
    endsWith: (one) => {
      status = one;
    },
    ended: looks?.ended ?? new AbortController().signal,
  });
  return status;
}

/** @param control what --control says. @throws UsageError, StartError. */
export function controlClient(control: unknown, streams: Streams): ControlClient {
  if (control === '') throw new UsageError('--control: the path is empty');
  const told = typeof control === 'string' ? control : process.env['TNULL_CONTROL'];
  return new ControlClient(() => told || ownSocket(streams.stderr));
}

/** The default path of the daemon's socket. With several daemons, `notes` is told which one is asked.
 *  @throws StartError: the socket there may be another user's. */
function ownSocket(notes: TextSink): string {
  const place = defaultPlace();
  const { folder, socket } = place;
  try {
    checkFolder(folder);
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    throw new StartError(`${reason} (--control PATH chooses another socket)`);
  }
  const others = otherSockets(place).map((path) => basename(path));
  if (others.length > 0) {
    notes.write(
      `tnull: asks the daemon at ${socket}; others are at ${others.join(', ')} (--control PATH or TNULL_CONTROL chooses)\n`,
    );
  }
  return socket;
}

/** One look each second until the reader stops: the end of the pipe and a signal both end it. */
class Looks {
  readonly #stdout: TextSink;
  readonly #end = new AbortController();
  #next = performance.now();

  constructor(streams: Streams) {
    this.#stdout = streams.stdout('command');
    const end = (): void => {
      streams.hurry();
      this.#end.abort();
    };
    // The second signal kills, in case the daemon does not answer.
    process.once('SIGINT', end);
    process.once('SIGTERM', end);
  }

  get ended(): AbortSignal {
    return this.#end.signal;
  }

  /** Waits until the output was read. @returns false: nobody wants more. */
  async wasRead(): Promise<boolean> {
    const { signal } = this.#end;
    let end = (): void => {};
    const ended = new Promise<string>((resolve) => {
      end = () => resolve('ended');
    });
    signal.addEventListener('abort', end);
    const problem = await Promise.race([this.#stdout.flush(), ended]);
    // There is one wait for each event.
    signal.removeEventListener('abort', end);
    return problem === undefined && !signal.aborted;
  }

  async next(): Promise<boolean> {
    const { signal } = this.#end;
    if (!(await this.wasRead())) return false;
    // Not a second after the last look: the time that a look takes would add up.
    this.#next = Math.max(this.#next + LOOK_MS, performance.now());
    await setTimeout(this.#next - performance.now(), undefined, { signal }).catch(() => {});
    return !signal.aborted;
  }
}
