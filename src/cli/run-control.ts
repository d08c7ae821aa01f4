/** Runs a command for a running daemon: its words, its help, the socket. Source: control.md section 1. */

import { setTimeout } from 'node:timers/promises';
import { Command, CommanderError } from 'commander';
import { checkFolder, defaultPlace } from '../daemon/control-path.ts';
import type { TextSink } from '../daemon/text-output.ts';
import { ControlClient } from './control-client.ts';
import type { ControlCommand } from './control-command.ts';
import type { Streams } from './process-end.ts';
import { readStandardInput } from './standard-input.ts';
import { StartError, UsageError } from './usage-error.ts';

const LOOK_MS = 1000;

/** @returns the exit status. @throws UsageError, StartError in one line. */
export async function runControl(
  name: string,
  command: ControlCommand,
  argv: readonly string[],
  streams: Streams,
): Promise<number> {
  const stdout = streams.stdout('command');
  const program = makeProgram(name, command);
  let printed = '';
  program.configureOutput({ writeOut: (text) => (printed += text), writeErr: () => {} });
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw new UsageError(`${name}: ${oneLine(error.message)}`);
    stdout.write(printed);
    return 0;
  }
  const { args } = program;
  if (args.length < command.least || args.length > command.most) {
    throw new UsageError(`${name}: it takes ${command.operands || 'no words'}`);
  }
  const { control, json, ...flags } = program.opts();
  const looks = flags['watch'] === true ? new Looks(streams) : undefined;
  if (control === '') throw new UsageError('--control: the path is empty');
  await command.run({
    client: new ControlClient(control ?? ownSocket()),
    operands: args,
    flags,
    json: json === true,
    say: (text) => stdout.write(text),
    read: readStandardInput,
    nextLook: async () => (await looks?.next()) ?? false,
  });
  return 0;
}

/** Where the daemon's socket is when nobody says. @throws StartError: what is there may be another user's. */
function ownSocket(): string {
  const { folder, socket } = defaultPlace();
  try {
    checkFolder(folder);
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    throw new StartError(`${reason} (--control PATH chooses another socket)`);
  }
  return socket;
}

/** One look each second until nobody wants more: what is said is for somebody, so the end of the pipe is
 *  an end, as is a signal. */
class Looks {
  readonly #stdout: TextSink;
  readonly #ended = new AbortController();
  #next = performance.now();

  constructor(streams: Streams) {
    this.#stdout = streams.stdout('command');
    const end = (): void => {
      streams.hurry();
      this.#ended.abort();
    };
    // The second one kills, should the daemon not answer.
    process.once('SIGINT', end);
    process.once('SIGTERM', end);
  }

  async next(): Promise<boolean> {
    const { signal } = this.#ended;
    const ended = new Promise<string>((resolve) => {
      signal.addEventListener('abort', () => resolve('ended'), { once: true });
    });
    // What was said is read before there is more.
    const problem = await Promise.race([this.#stdout.flush(), ended]);
    if (problem !== undefined || signal.aborted) return false;
    // Not a second after the last: what a look takes would add up.
    this.#next = Math.max(this.#next + LOOK_MS, performance.now());
    await setTimeout(this.#next - performance.now(), undefined, { signal }).catch(() => {});
    return !signal.aborted;
  }
}

function makeProgram(name: string, command: ControlCommand): Command {
  const program = new Command(`tnull ${name}`)
    .description(`${command.summary[0]?.toUpperCase()}${command.summary.slice(1)}.`)
    .usage(`${command.operands} [flags]`.trim())
    .exitOverride()
    .allowExcessArguments(true)
    .helpOption('--help', 'print this help');
  for (const [flags, help] of command.flags ?? []) program.option(flags, help);
  program.option('--control <path>', "the daemon's control socket");
  program.option('--json', 'JSON for programs');
  if (command.more !== undefined) program.addHelpText('after', `\n${command.more}`);
  return program;
}

/** Commander adds suggestions on lines of their own. */
function oneLine(message: string): string {
  return message.replace(/^error: /, '').replaceAll('\n', ' ');
}
