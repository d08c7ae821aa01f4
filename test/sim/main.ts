/** `npm run sim`: runs of the simulator, each of the next seed, until the time is over or one fails; that
 *  one is said in a line that repeats it, and shrunk. See docs/simulator.md. */

import { fork } from 'node:child_process';
import type { Failure } from './failure.ts';
import { type Options, readOptions, UsageError, usage } from './options.ts';
import { drawPlan, type Limits } from './plan.ts';
import { commandOf, shrink } from './shrink.ts';
import { Simulation } from './simulation.ts';

/** What a process has done. */
interface Tally {
  readonly runs: number;
  readonly operations: number;
  /** Of this process, in ms. */
  readonly cpuMs: number;
  readonly failed?: Failed;
}

interface Failed {
  readonly seed: number;
  readonly limits: Limits;
  readonly failure: Failure;
  readonly operations: number;
}

/** Runs seed after seed. */
async function work(options: Options): Promise<Tally> {
  const { runs, every, operations: all } = options;
  const end = performance.now() + options.seconds * 1000;
  let operations = 0;
  let done = 0;
  const tally = (): Tally => {
    const { user, system } = process.cpuUsage();
    return { runs: done, operations, cpuMs: (user + system) / 1000 };
  };
  const more = (): boolean => done < runs && operations < all && performance.now() < end;
  for (let seed = options.seed; more(); seed += every) {
    const limits = cutTo(options.limits, all - operations);
    const result = await new Simulation(drawPlan(seed, limits)).run();
    done++;
    operations += result.operations;
    const { failure } = result;
    if (failure === undefined) continue;
    return { ...tally(), failed: { seed, limits, failure, operations: result.operations } };
  }
  return tally();
}

function cutTo(limits: Limits, operations: number): Limits {
  return operations < Number.POSITIVE_INFINITY ? { ...limits, operations } : limits;
}

/** The same in so many processes, each with its part of the seeds. */
async function inProcesses(options: Options): Promise<Tally[]> {
  const { jobs, seed } = options;
  const shared = ['--jobs', '--seed', '--runs', '--operations'];
  const own = process.argv.slice(2).filter((_, at, all) => !isOf(all, at, shared));
  const part = Math.ceil(options.operations / jobs);
  if (part < Number.POSITIVE_INFINITY) own.push('--operations', `${part}`);
  const children = Array.from({ length: Math.min(jobs, options.runs) }, (_, n) => {
    const runs = Math.ceil((options.runs - n) / jobs);
    const words = runs < Number.POSITIVE_INFINITY ? ['--runs', `${runs}`] : [];
    words.push('--seed', `${seed + n}`, '--every', `${jobs}`);
    return fork(process.argv[1] ?? '', [...own, ...words]);
  });
  let isOver = false;
  const tallies = children.map(
    (child, n) =>
      new Promise<Tally>((resolve, reject) => {
        let told: Tally | undefined;
        child.on('message', (message: Tally) => {
          told = message;
          if (message.failed === undefined) return;
          // One failure is enough.
          isOver = true;
          for (const one of children) one.send('stop', () => {});
        });
        child.on('exit', (code, signal) => {
          if (told !== undefined) resolve(told);
          else if (isOver) resolve({ runs: 0, operations: 0, cpuMs: 0 });
          else reject(new Error(`job ${n} ended with ${code ?? signal}`));
        });
      }),
  );
  return await Promise.all(tallies);
}

/** Is the word `name VALUE`, its value, or `name=VALUE`? */
function isOf(all: readonly string[], at: number, names: readonly string[]): boolean {
  const [name = ''] = (all[at] ?? '').split('=');
  return names.includes(name) || names.includes(all[at - 1] ?? '');
}

async function report({ seed, limits, failure, operations }: Failed): Promise<void> {
  console.log(`${failure.kind}: ${failure.text}`);
  console.log(`to repeat: ${commandOf(seed, limits)}`);
  const shrunk = await shrink(seed, limits, failure, operations);
  console.log(`shrunk to ${shrunk.operations} operations: ${commandOf(seed, shrunk.limits)}`);
  console.log(`${shrunk.failure.kind}: ${shrunk.failure.text}`);
}

async function main(options: Options): Promise<void> {
  if (process.send !== undefined) {
    // Of several processes.
    process.on('message', () => process.exit(1));
    const tally = await work(options);
    process.send(tally, () => process.exit());
    return;
  }
  console.log(`seeds from ${options.seed} on`);
  const tallies = options.jobs > 1 ? await inProcesses(options) : [await work(options)];
  const sum = (of: (tally: Tally) => number): number =>
    tallies.reduce((all, one) => all + of(one), 0);
  const [runs, operations] = [sum((tally) => tally.runs), sum((tally) => tally.operations)];
  const rate = Math.round((operations / sum((tally) => tally.cpuMs)) * 1000);
  console.log(`${operations} operations in ${runs} runs, ${rate} a second of one core`);
  const failed = tallies.find((tally) => tally.failed !== undefined)?.failed;
  if (failed !== undefined) await report(failed);
  const slow = rate < options.rateMin;
  if (slow) console.log(`slower than ${options.rateMin} operations a second of processor time`);
  if (failed !== undefined || slow) process.exitCode = 1;
  console.log(`${runs - (failed ? 1 : 0)} passed, ${failed ? 1 : 0} failed`);
}

function wanted(): Options | undefined {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n${usage}`);
    process.exit(2);
  }
}

const options = wanted();
if (options === undefined) console.log(usage);
else await main(options);
