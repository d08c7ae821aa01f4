/** The process around the program: its standard streams, its end. */

import { StandardStreams } from './process-end.ts';

/** Runs the program with `argv` (without node and script), and ends the process. */
export async function main(argv: readonly string[]): Promise<void> {
  // As early as possible: the parent may end while we start.
  const parent = process.ppid;
  const streams = new StandardStreams();
  process.on('uncaughtException', (error) => streams.crash(error));
  // Only now: on Node 22 and later, loading `node:http` creates Node's own stream of standard error.
  const { run } = await import('./program.ts');
  await streams.end(await run(argv, parent, streams));
}
