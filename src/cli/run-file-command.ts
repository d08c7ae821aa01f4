/** Runs a command for files: which one, its words, its help. */

import { shown } from '../config/errors.ts';
import { ComplexityError } from '../crash/complexity-error.ts';
import { readCommandLine } from './command-line.ts';
import type { FileCommandName } from './command-names.ts';
import type { FileCommand, FileContext } from './file-command.ts';
import { fileCommands } from './file-commands.ts';
import type { Streams } from './process-end.ts';
import { StartError, UsageError } from './usage-error.ts';

/** @returns the exit status. @throws UsageError, StartError in one line. */
export async function runFileCommand(
  first: FileCommandName,
  [second = '', ...argv]: readonly string[],
  streams: Streams,
  daemons: FileContext['daemons'],
): Promise<number> {
  const stdout = streams.stdout('command');
  const all = fileCommands.get(first) ?? new Map<string, FileCommand>();
  const command = all.get(second);
  if (second === '--help' || second === '-h') {
    for (const [name, { operands, summary }] of all) {
      stdout.write(`tnull ${first} ${name} ${operands}: ${summary}\n`);
    }
    return 0;
  }
  if (command === undefined) {
    const names = [...all.keys()].join(', ');
    if (second === '') throw new UsageError(`${first}: needs one of ${names}`);
    throw new UsageError(`${first}: '${shown(second)}' is none of ${names}`);
  }
  const line = readCommandLine(`${first} ${second}`, command, [], argv);
  if ('help' in line) {
    stdout.write(line.help);
    return 0;
  }
  try {
    const say = (text: string): void => void stdout.write(text);
    return await command.run({ ...line, streams, say, daemons });
  } catch (error) {
    if (!(error instanceof ComplexityError)) throw error;
    throw new StartError(`${first} ${second}: ${error.message}`);
  }
}
