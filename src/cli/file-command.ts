/** What a command for files is: it needs no daemon that runs. */

import type { CommandHelp, Flags } from './command-line.ts';
import type { CrashLane } from './crash/lane.ts';
import type { record } from './crash/record.ts';
import type { Streams } from './process-end.ts';
import type { readyLines } from './ready-lines.ts';
import type { StopRequest } from './stop-request.ts';

/** What of daemons a command may want. It is loaded when it is asked for. */
export interface Daemons {
  readonly CrashLane: typeof CrashLane;
  readonly record: typeof record;
  readonly StopRequest: typeof StopRequest;
  readonly readyLines: typeof readyLines;
}

export interface FileContext {
  readonly operands: readonly string[];
  readonly flags: Flags;
  readonly streams: Streams;
  say(text: string): void;
  daemons(): Promise<Daemons>;
}

export interface FileCommand extends CommandHelp {
  /** @returns the exit status. */
  run(context: FileContext): Promise<number> | number;
}
