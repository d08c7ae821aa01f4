/** The commands that talk to a running daemon, by name. Source: control.md section 1. */

import { create } from './commands/create.ts';
import { get } from './commands/get.ts';
import { ls } from './commands/ls.ts';
import { remove } from './commands/remove.ts';
import { requests } from './commands/requests.ts';
import { set } from './commands/set.ts';
import { stats } from './commands/stats.ts';
import { zones } from './commands/zones.ts';
import type { ControlCommand } from './control-command.ts';

export const controlCommands: ReadonlyMap<string, ControlCommand> = new Map(
  Object.entries({ ls, create, remove, get, set, zones, stats, requests }),
);

/** For the program's help. */
export function commandHelp(): string {
  const lines = [...controlCommands].map(
    ([name, { operands, summary }]) => `  ${`${name} ${operands}`.padEnd(44)} ${summary}`,
  );
  const title = 'Commands for a running daemon (tnull COMMAND --help says more):';
  return `${[title, ...lines].join('\n')}\n`;
}
