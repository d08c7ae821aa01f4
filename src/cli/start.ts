/** A daemon's start: from the words to a running daemon. This file loads all daemon code, and nothing else
 *  loads it. */

import { version } from '../daemon/version.ts';
import { parseArguments } from './parse-arguments.ts';
import type { Streams } from './process-end.ts';
import { serve } from './serve.ts';

export { CrashLane } from './crash/lane.ts';
export { record } from './crash/record.ts';
export { readyLines } from './ready-lines.ts';
export { StopRequest } from './stop-request.ts';

/** @param parent we may have to end with it. @returns the exit status. */
export async function serveOrPrint(
  argv: readonly string[],
  parent: number,
  streams: Streams,
): Promise<number> {
  const [first, ...rest] = argv;
  // Imported here: any other place would split the daemon's code into pieces that commands load, too.
  if (first === 'sweep') {
    const { runSweep } = await import('./sweep/run-sweep.ts');
    return await runSweep(rest, streams);
  }
  const parsed = parseArguments(argv, version());
  if (parsed.kind === 'serve') return await serve(parsed, parent, streams);
  const { kind, text } = parsed;
  streams.stdout('command').write(kind === 'help' ? await wholeHelp(text) : text);
  return 0;
}

async function wholeHelp(flags: string): Promise<string> {
  const { helpBelowFlags } = await import('./help.ts');
  return `${flags}\n${helpBelowFlags()}\n`;
}
