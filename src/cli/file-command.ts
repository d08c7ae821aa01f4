/** What a command for files is: it needs no daemon. */

import type { CommandHelp, Flags } from './command-line.ts';

export interface FileContext {
  readonly operands: readonly string[];
  readonly flags: Flags;
  say(text: string): void;
}

export interface FileCommand extends CommandHelp {
  run(context: FileContext): void;
}
