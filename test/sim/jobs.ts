/** The same work in several processes, each with its part of the seeds. What each has done is known after
 *  each of its runs, so that one that is stopped in the middle counts as far as it came. */

import { type ChildProcess, fork } from 'node:child_process';
import type { Options } from './options.ts';
import { NOTHING, sumOf, type Tally, work } from './work.ts';

/** @param told what all have done, after each run; @returns false there: no further one is wanted. */
export async function inProcesses(
  options: Options,
  told: (tally: Tally) => boolean,
): Promise<Tally> {
  const children = Array.from({ length: Math.min(options.jobs, options.runs) }, (_, n) =>
    start(options, n),
  );
  const tallies = children.map(() => NOTHING);
  let isOver = false;
  const over = (): void => {
    isOver = true;
    for (const child of children) child.send('stop', () => {});
  };
  const ends = children.map(async (child, n) => {
    child.on('message', (message: Tally) => {
      tallies[n] = message;
      const { failed } = message;
      if (!isOver && (!told(sumOf(tallies)) || (failed.length > 0 && !options.keepGoing))) over();
    });
    const code = await ended(child);
    if (code !== 0 && !isOver) throw new Error(`job ${n} ended with ${code}`);
  });
  await Promise.all(ends);
  return sumOf(tallies);
}

/** In such a process. @param send calls `sent` once the tally has left. */
export async function asJob(
  options: Options,
  send: (tally: Tally, sent?: () => void) => void,
): Promise<void> {
  // A signal is for the first process, which says what to do.
  process.on('SIGINT', () => {});
  for (const end of ['message', 'disconnect'] as const) process.on(end, () => process.exit());
  const tally = await work(options, (now) => {
    send(now);
    return true;
  });
  send(tally, () => process.exit());
}

function start({ jobs, seed, runs: all, operations }: Options, n: number): ChildProcess {
  const shared = ['--jobs', '--seed', '--runs', '--operations'];
  const own = process.argv.slice(2).filter((_, at, words) => !isOf(words, at, shared));
  const part = Math.ceil(operations / jobs);
  if (part < Number.POSITIVE_INFINITY) own.push('--operations', `${part}`);
  const runs = Math.ceil((all - n) / jobs);
  if (runs < Number.POSITIVE_INFINITY) own.push('--runs', `${runs}`);
  own.push('--seed', `${seed + n}`, '--every', `${jobs}`);
  return fork(process.argv[1] ?? '', own);
}

function ended(child: ChildProcess): Promise<number | string | null> {
  return new Promise((resolve) => {
    child.on('exit', (code, signal) => resolve(code ?? signal));
  });
}

/** Is the word `name VALUE`, its value, or `name=VALUE`? */
function isOf(all: readonly string[], at: number, names: readonly string[]): boolean {
  const [name = ''] = (all[at] ?? '').split('=');
  return names.includes(name) || names.includes(all[at - 1] ?? '');
}
