/** The words of one command, by commander: operands and flags, or the text of its help. */

import { Command, CommanderError } from 'commander';
import { UsageError } from './usage-error.ts';

/** What help and completion say of a command. */
export interface CommandHelp {
  /** For example `NAME [ATTRIBUTE]`. */
  readonly operands: string;
  readonly summary: string;
  /** The text below the rest of the help. */
  readonly more?: string;
  readonly least: number;
  readonly most: number;
  readonly flags?: readonly FlagHelp[];
}

export type FlagHelp = readonly [flags: string, help: string, times?: 'repeatable'];

export type CommandLine =
  | { readonly help: string }
  | { readonly operands: readonly string[]; readonly flags: Flags };

/** By their long names. */
export type Flags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** @param common flags of all commands of this kind. @throws UsageError in one line. */
export function readCommandLine(
  name: string,
  command: CommandHelp,
  common: readonly (readonly [flags: string, help: string])[],
  argv: readonly string[],
): CommandLine {
  const program = makeProgram(name, command, common);
  let printed = '';
  program.configureOutput({ writeOut: (text) => (printed += text), writeErr: () => {} });
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw new UsageError(`${name}: ${oneLine(error.message)}`);
    return { help: printed };
  }
  const { args } = program;
  if (args.length < command.least || args.length > command.most) {
    throw new UsageError(`${name}: it takes ${command.operands || 'no words'}`);
  }
  return { operands: args, flags: program.opts() };
}

function makeProgram(
  name: string,
  command: CommandHelp,
  common: readonly (readonly [flags: string, help: string])[],
): Command {
  const program = new Command(`tnull ${name}`)
    .description(`${command.summary[0]?.toUpperCase()}${command.summary.slice(1)}.`)
    .usage(`${command.operands} [flags]`.trim())
    .exitOverride()
    .allowExcessArguments(true)
    .helpOption('-h, --help', 'print this help');
  const all: readonly FlagHelp[] = [...(command.flags ?? []), ...common];
  for (const [flags, help, times] of all) {
    if (times === undefined) program.option(flags, help);
    else program.option(flags, help, gathered);
  }
  if (command.more !== undefined) program.addHelpText('after', `\n${command.more}`);
  return program;
}

function gathered(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** Commander writes suggestions on lines of their own. */
function oneLine(message: string): string {
  return message.replace(/^error: /, '').replaceAll('\n', ' ');
}
