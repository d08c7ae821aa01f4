/** What `tnull --help` says below the flags: the commands, then the parameters by topic. */

import { helpText } from '../config/render.ts';
import { SIZE_HELP } from '../config/sizes.ts';
import type { CommandHelp } from './command-line.ts';
import { controlCommands } from './commands.ts';
import { fileCommands } from './file-commands.ts';
import { SWEEP_SUMMARY } from './sweep/flags.ts';

export function helpBelowFlags(): string {
  return `${SIZE_HELP}\n\n${commandHelp()}\n${helpText()}`;
}

function commandHelp(): string {
  const files = [...fileCommands].flatMap(([first, all]) =>
    [...all].map(([second, command]) => line(`${first} ${second}`, command)),
  );
  const sections = [
    'Commands for a running daemon (tnull COMMAND --help says more):',
    ...[...controlCommands].map(([name, command]) => line(name, command)),
    'Commands for files, without a daemon:',
    ...files,
    'A sweep (tnull sweep --help says more):',
    line('sweep', { operands: '[parameters] --rule WORDS --run COMMAND', summary: SWEEP_SUMMARY }),
  ];
  return `${sections.join('\n')}\n`;
}

function line(
  name: string,
  { operands, summary }: Pick<CommandHelp, 'operands' | 'summary'>,
): string {
  return `  ${`${name} ${operands}`.padEnd(44)} ${summary}`;
}
