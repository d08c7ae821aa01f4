/** The program without the process around it: arguments to an exit status. A usage mistake is one line on
 *  stderr and status 2; an address that cannot be used is one line and status 1. */

import { ErrnoError, ParameterError, systemText } from '../config/errors.ts';
import { ConfigError } from '../daemon/errors.ts';
import { ThreadsError } from '../daemon/start-threads.ts';
import { ListenError } from '../server/listener.ts';
import { TlsError } from '../server/tls-credentials.ts';
import {
  type CommandName,
  type FileCommandName,
  isCommandName,
  isFileCommandName,
} from './command-names.ts';
import type { Streams } from './process-end.ts';
import { StartError, UsageError } from './usage-error.ts';

/** Runs the program with `argv` (without node and script). @param parent we may have to end with it.
 *  @returns the exit status. */
export async function run(
  argv: readonly string[],
  parent: number,
  streams: Streams,
): Promise<number> {
  try {
    const [first = '', ...rest] = commandFirst(argv);
    if (first === 'help') return await run([...rest, '--help'], parent, streams);
    if (isCommandName(first)) return await control(first, rest, streams);
    if (isFileCommandName(first)) return await files(first, rest, streams);
    const { serveOrPrint } = await import('./start.ts');
    return await serveOrPrint(argv, parent, streams);
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined || !(error instanceof Error)) throw error;
    // A path or a URI in it may hold a line break: the message stays one line.
    const message = isOfSystem(error) ? systemText(error) : error.message;
    streams.stderr.write(`tnull: ${message.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '?')}\n`);
    return status;
  }
}

/** Flags that all commands have may stand before the command: the command moves to the front. */
function commandFirst(argv: readonly string[]): readonly string[] {
  let at = 0;
  for (let here = argv[at]; here !== undefined; here = argv[at]) {
    if (here === '--control') at += 2;
    else if (here === '--json' || here.startsWith('--control=')) at++;
    else break;
  }
  const name = argv[at];
  const isCommand = name !== undefined && (isCommandName(name) || isFileCommandName(name));
  if (!isCommand) return argv;
  const words = argv.slice(at + 1);
  // Behind '--' they would be operands.
  const end = words.indexOf('--');
  words.splice(end < 0 ? words.length : end, 0, ...argv.slice(0, at));
  return [name, ...words];
}

/** A command loads no daemon code, and a daemon no command code: more than half of a start is loading. */
async function control(
  name: CommandName,
  words: readonly string[],
  streams: Streams,
): Promise<number> {
  const [{ commands }, { runControl }] = await Promise.all([
    import('./commands.ts'),
    import('./run-control.ts'),
  ]);
  return await runControl(name, commands[name], words, streams);
}

async function files(
  name: FileCommandName,
  words: readonly string[],
  streams: Streams,
): Promise<number> {
  const { runFileCommand } = await import('./run-file-command.ts');
  return await runFileCommand(name, words, streams, () => import('./start.ts'));
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof ParameterError || error instanceof UsageError) return 2;
  if (error instanceof ConfigError) return 2;
  if (error instanceof ListenError || error instanceof StartError) return 1;
  if (error instanceof TlsError || error instanceof ThreadsError) return 1;
  if (isOfSystem(error)) return 1; // such as too few file descriptors
  if (error instanceof ErrnoError) return 1; // a device cannot be built
  if (error instanceof RangeError) return 1; // memory for the requests cannot be had
  return undefined;
}

/** A system call failed: the machine is the reason, so no stack is shown. */
function isOfSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}
