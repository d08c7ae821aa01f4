/** A daemon's start: what the words ask for, and then it. All that a daemon is made of is loaded with
 *  this file, and nothing else loads it. */

import { version } from '../daemon/version.ts';
import { parseArguments } from './parse-arguments.ts';
import type { Streams } from './process-end.ts';
import { serve } from './serve.ts';

/** @param parent whose end may be ours. @returns the exit status. */
export async function serveOrPrint(
  argv: readonly string[],
  parent: number,
  streams: Streams,
): Promise<number> {
  const [first, ...rest] = argv;
  // Here, since all else that would load daemons would have them in pieces that commands load, too.
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
