/** `npm run sim`: runs of the simulator, each of the next seed, until the time is over or one fails; that
 *  one is said in a line that repeats it, and shrunk. See docs/simulator.md. */

import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Failure } from './failure.ts';
import { drawPlan, type Feature, features, type Limits } from './plan.ts';
import { commandOf, shrink } from './shrink.ts';
import { type Result, Simulation } from './simulation.ts';

const usage = `usage: npm run sim -- [--seconds N] [--seed S] [--runs N] [--jobs N]
    [--operations N] [--devices N] [--clients N] [--operators N] [--without a,b] [--memory-fails-at N]`;

/** What is run where nothing is asked for. */
const FIXED_SEEDS = 20;

interface Options {
  /** 0: as many runs as are asked for. */
  readonly seconds: number;
  readonly runs: number;
  readonly jobs: number;
  readonly seed: number;
  /** In all runs; the last one is cut there. */
  readonly operations: number;
  /** Of the seeds every n-th: the others are other processes'. */
  readonly every: number;
  readonly limits: Limits;
}

/** What a process has done. */
interface Tally {
  readonly runs: number;
  readonly operations: number;
  /** Of this process, in ms. */
  readonly cpuMs: number;
  readonly failed?: {
    readonly seed: number;
    readonly failure: Failure;
    readonly operations: number;
  };
}

function fail(message: string): never {
  console.error(`${message}\n${usage}`);
  process.exit(2);
}

function whole(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return /^\d+$/.test(text) ? Number(text) : fail(`--${name} ${text}: must be a whole number`);
}

function readOptions(): Options {
  const names = ['seconds', 'seed', 'runs', 'jobs', 'every', 'operations', 'devices'];
  const texts = [...names, 'clients', 'operators', 'without', 'memory-fails-at'];
  const options = Object.fromEntries(texts.map((name) => [name, { type: 'string' as const }]));
  let values: Record<string, string | boolean | undefined>;
  try {
    values = parseArgs({ options }).values;
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const number = (name: string): number | undefined => whole(name, text(name));
  const without = text('without')?.split(',').map(featureOf);
  const seconds = number('seconds') ?? 0;
  const seed = number('seed');
  const operations = number('operations') ?? Number.POSITIVE_INFINITY;
  const fixed = seed === undefined ? FIXED_SEEDS : 1;
  const ends = seconds > 0 || operations < Number.POSITIVE_INFINITY;
  return {
    ...{ seconds, operations },
    runs: number('runs') ?? (ends ? Number.POSITIVE_INFINITY : fixed),
    jobs: number('jobs') ?? 1,
    seed: seed ?? (ends ? randomInt(1, 2 ** 31) : 1),
    every: number('every') ?? 1,
    limits: {
      devices: number('devices'),
      clients: number('clients'),
      operators: number('operators'),
      memoryFailsAt: number('memory-fails-at'),
      without,
    },
  };
}

function featureOf(text: string): Feature {
  const found = features.find((one) => one === text);
  return found ?? fail(`--without ${text}: must be some of ${features.join(',')}`);
}

async function runSeed(seed: number, limits: Limits): Promise<Result> {
  return await new Simulation(drawPlan(seed, limits)).run();
}

/** Runs seed after seed. */
async function work({
  seconds,
  runs,
  operations: all,
  seed,
  every,
  limits,
}: Options): Promise<Tally> {
  const end = seconds > 0 ? performance.now() + seconds * 1000 : Number.POSITIVE_INFINITY;
  let operations = 0;
  let done = 0;
  const tally = (): Tally => {
    const { user, system } = process.cpuUsage();
    return { runs: done, operations, cpuMs: (user + system) / 1000 };
  };
  const more = (): boolean => done < runs && operations < all && performance.now() < end;
  for (let next = seed; more(); next += every) {
    const result = await runSeed(next, { ...limits, operations: all - operations });
    done++;
    operations += result.operations;
    if (result.failure === undefined) continue;
    const { failure } = result;
    return { ...tally(), failed: { seed: next, failure, operations: result.operations } };
  }
  return tally();
}

/** The same in so many processes, each with its part of the seeds. */
async function inProcesses(options: Options): Promise<Tally[]> {
  const { jobs, seed } = options;
  const shared = ['--jobs', '--seed', '--operations'];
  const own = process.argv.slice(2).filter((_, at, all) => !isOf(all, at, shared));
  const part = Math.ceil(options.operations / jobs);
  if (part < Number.POSITIVE_INFINITY) own.push('--operations', `${part}`);
  const children = Array.from({ length: jobs }, (_, n) =>
    fork(process.argv[1] ?? '', [...own, '--seed', `${seed + n}`, '--every', `${jobs}`]),
  );
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

function isOf(all: readonly string[], at: number, names: readonly string[]): boolean {
  return names.includes(all[at] ?? '') || names.includes(all[at - 1] ?? '');
}

async function report(seed: number, limits: Limits, failure: Failure, operations: number) {
  console.log(`${failure.kind}: ${failure.text}`);
  console.log(`to repeat: ${commandOf(seed, limits)}`);
  const shrunk = await shrink(seed, limits, failure, operations);
  console.log(`shrunk to ${shrunk.operations} operations: ${commandOf(seed, shrunk.limits)}`);
  console.log(`${shrunk.failure.kind}: ${shrunk.failure.text}`);
}

async function main(): Promise<void> {
  const options = readOptions();
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
  const [runs, operations, cpuMs] = [
    sum((t) => t.runs),
    sum((t) => t.operations),
    sum((t) => t.cpuMs),
  ];
  const rate = Math.round((operations / cpuMs) * 1000);
  console.log(`${operations} operations in ${runs} runs, ${rate} a second of one core`);
  const failed = tallies.find((tally) => tally.failed !== undefined)?.failed;
  if (failed !== undefined) {
    const { seed, failure, operations: ops } = failed;
    await report(seed, options.limits, failure, ops);
    process.exitCode = 1;
  }
  console.log(`${runs - (failed ? 1 : 0)} passed, ${failed ? 1 : 0} failed`);
}

await main();
