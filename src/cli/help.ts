/** What `tnull --help` says below the flags: the commands, then the parameters by topic. */

import { helpText } from '../config/render.ts';
import { SIZE_HELP } from '../config/sizes.ts';
import { controlCommands } from './commands.ts';

export function helpBelowFlags(): string {
  return `${SIZE_HELP}\n\n${commandHelp()}\n${helpText()}`;
}

function commandHelp(): string {
  const lines = [...controlCommands].map(
    ([name, { operands, summary }]) => `  ${`${name} ${operands}`.padEnd(44)} ${summary}`,
  );
  const title = 'Commands for a running daemon (tnull COMMAND --help says more):';
  return `${[title, ...lines].join('\n')}\n`;
}
