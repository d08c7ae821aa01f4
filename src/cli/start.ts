/** A daemon's start: what the words ask for, and then it. All that a daemon is made of is loaded with
 *  this file, and nothing else loads it. */

import { version } from '../daemon/version.ts';
import { parseArguments } from './parse-arguments.ts';
import { serve } from './serve.ts';
import { expectNoReader } from './standard-streams.ts';

/** @param parent whose end may be ours. @returns the exit status. */
export async function serveOrPrint(argv: readonly string[], parent: number): Promise<number> {
  const parsed = parseArguments(argv, version());
  // A client there has it to itself: looking at process.stdout opens it a second time.
  if (parsed.kind !== 'serve' || !parsed.stdin) expectNoReader(process.stdout);
  if (parsed.kind === 'serve') return await serve(parsed, parent);
  const { kind, text } = parsed;
  process.stdout.write(kind === 'help' ? await wholeHelp(text) : text);
  return 0;
}

async function wholeHelp(flags: string): Promise<string> {
  const { helpBelowFlags } = await import('./help.ts');
  return `${flags}\n${helpBelowFlags()}\n`;
}
