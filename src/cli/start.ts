/** A daemon's start: from the words to a running daemon. This file loads all daemon code, and nothing else
 *  loads it. */

import { ParameterError } from '../config/errors.ts';
import { checkedWord } from '../config/resolve.ts';
import { version } from '../daemon/version.ts';
import { type FromEnvironment, takeVariables } from './environment.ts';
import { parseArguments, type ServeCommand } from './parse-arguments.ts';
import type { Streams } from './process-end.ts';
import { serve } from './serve.ts';
import { TogetherError, UsageError } from './usage-error.ts';

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
  const typed = first === 'serve' ? rest : argv;
  const said = takeVariables(process.env, typed);
  checkVariables(said);
  const command = first === 'serve' ? ['serve'] : [];
  const parsed = parseArguments([...command, ...said.argv, ...typed], version());
  if (parsed.kind === 'serve') {
    return await serve(withPlace(parsed, said, typed), parent, streams, said.notices);
  }
  const { kind, text } = parsed;
  streams.stdout('command').write(kind === 'help' ? await wholeHelp(text) : text);
  return 0;
}

/** @throws UsageError that names the variable. */
function checkVariables({ saidBy }: FromEnvironment): void {
  for (const [argument, variable] of saidBy) {
    try {
      const parsed = parseArguments([argument], '');
      if (parsed.kind === 'serve') parsed.words.forEach(checkedWord);
    } catch (error) {
      if (!(error instanceof UsageError || error instanceof ParameterError)) throw error;
      // Flags that do not go together are judged with what was typed.
      if (error instanceof TogetherError) continue;
      throw new UsageError(`${variable}: ${error.message}`);
    }
  }
}

/** A daemon that runs us tells its own control socket to commands: it is not for another daemon. */
function withPlace(
  command: ServeCommand,
  { saidBy }: FromEnvironment,
  typed: readonly string[],
): ServeCommand {
  const { socket } = command.control;
  const isTyped = typed.some((one) => /^--(no-)?control\b/.test(one));
  const isSaid = [...saidBy.values()].includes('TNULL_CONTROL');
  if (isTyped || !isSaid || typeof socket === 'string') return command;
  return { ...command, control: { ...command.control, socket: { ...socket, mayBeTaken: true } } };
}

async function wholeHelp(flags: string): Promise<string> {
  const { helpBelowFlags } = await import('./help.ts');
  return `${flags}\n${helpBelowFlags()}\n`;
}
