/** Everything that can be typed, out of the tables that the program itself reads: for the completions
 *  and the man page. Prints nothing. */

import { faultOperations } from '../../src/cli/commands/faults.ts';
import { controlCommands } from '../../src/cli/commands.ts';
import { fileCommands } from '../../src/cli/file-commands.ts';
import { allFlags } from '../../src/cli/flags.ts';
import { limitFlags } from '../../src/cli/limit-flags.ts';
import { SWEEP_SUMMARY, sweepFlags } from '../../src/cli/sweep/flags.ts';
import { isParameter, rows } from '../../src/config/parameters.ts';
import type { Row } from '../../src/config/rows.ts';
import { models } from '../../src/crash/models.ts';

export interface FlagWord {
  /** With its dashes. */
  readonly long: string;
  readonly short: string | undefined;
  /** What stands for its value in help; undefined: it takes none. */
  readonly value: string | undefined;
  /** Its value is a path. */
  readonly isPath: boolean;
  /** All its values, where they are few. */
  readonly choices: readonly string[];
  readonly help: string;
}

export interface ParameterWord {
  readonly name: string;
  readonly flag: string;
  readonly isBoolean: boolean;
  readonly choices: readonly string[];
  readonly row: Row;
}

export interface CommandWord {
  readonly name: string;
  readonly operands: string;
  readonly summary: string;
  readonly flags: readonly FlagWord[];
}

/** Of the commands' flags. */
const ofCommands: Readonly<Record<string, readonly string[]>> = {
  '--model': models,
  '--format': ['dm-log-writes'],
  '--order': ['rank', 'explore'],
};

/** @param text as commander takes it: `-U, --unix <path>`. */
function flagWord(text: string, help: string, choices?: readonly string[]): FlagWord {
  const [, short, long = '', value] = /^(?:(-\w), )?(--[\w-]+)(?: <(.+)>)?$/.exec(text) ?? [];
  const isPath = value === 'path' || value === 'file' || value === 'dir';
  return { long, short, value, isPath, choices: choices ?? ofCommands[long] ?? [], help };
}

const helpFlag = flagWord('-h, --help', 'print help');

export const serveFlags: readonly FlagWord[] = [
  ...allFlags.map((row) => flagWord(row.flags, row.help, 'choices' in row ? row.choices : [])),
  flagWord('-V, --version', 'print the version'),
  helpFlag,
];

export const limitWords: readonly FlagWord[] = limitFlags.map((row) =>
  flagWord(row.flags, row.help),
);

export const parameterWords: readonly ParameterWord[] = [...rows]
  .filter(([name]) => isParameter(name))
  .map(([name, row]) => ({
    name,
    flag: `--${name.replaceAll('_', '-')}`,
    isBoolean: row.kind === 'boolean',
    choices: choicesOf(row),
    row,
  }));

/** What `set` and `create` take. */
export const attributeNames: readonly string[] = [...rows]
  .filter(([, row]) => row.where !== 'P' && row.when !== 'read only')
  .map(([name, row]) => row.attribute ?? name)
  .sort();

const sweep: CommandWord = {
  ...{ name: 'sweep', operands: '', summary: SWEEP_SUMMARY },
  flags: [...Object.values(sweepFlags).map((row) => flagWord(row.flags, row.help)), helpFlag],
};

const controlWords: readonly CommandWord[] = [...controlCommands].map(
  ([name, { operands, summary, flags: own = [] }]) => ({
    ...{ name, operands, summary },
    flags: [
      ...own.map(([text, help]) => flagWord(text, help)),
      flagWord('--control <path>', "the daemon's control socket"),
      flagWord('--json', 'JSON for programs'),
      helpFlag,
    ],
  }),
);

export const commandWords: readonly CommandWord[] = [...controlWords, sweep];

/** The commands for files: what may follow the first word. */
export const fileCommandWords: readonly {
  readonly name: string;
  readonly commands: readonly CommandWord[];
}[] = [...fileCommands].map(([name, all]) => ({
  name,
  commands: [...all].map(([second, { operands, summary, flags: own = [] }]) => ({
    ...{ name: second, operands, summary },
    flags: [...own.map(([text, help]) => flagWord(text, help)), helpFlag],
  })),
}));

/** What stands behind the device, by command. */
export const operations: Readonly<Record<string, readonly string[]>> = {
  zones: 'report open close finish reset reset-all append'.split(' '),
  faults: faultOperations,
};

function choicesOf(row: Row): readonly string[] {
  if (row.kind === 'boolean' || row.kind === 'count') return ['0', '1'];
  return row.oneOf?.map(String) ?? [];
}
