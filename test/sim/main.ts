/** `npm run sim`: runs of the simulator, each of the next seed, until the time is over or one fails; that
 *  one is said in a line that repeats it, and shrunk. See docs/simulator.md. */

import { asJob, inProcesses } from './jobs.ts';
import { type Options, readOptions, UsageError, usage } from './options.ts';
import { commandOf, shrink } from './shrink.ts';
import { type Failed, type Tally, work } from './work.ts';

/** Who waits for hours is told how far it is. */
const PROGRESS_MS = 60_000;

/** Says what is found, when it is, and now and then how far it is. */
class Progress {
  stopped = false;
  readonly #all: boolean;
  readonly #told = new Set<number>();
  #next = performance.now() + PROGRESS_MS;

  /** @param all false: the one that ends it is said at the end. */
  constructor(all: boolean) {
    this.#all = all;
  }

  /** @returns whether to go on. */
  told({ runs, operations, failed }: Tally): boolean {
    for (const one of this.#all ? failed : []) {
      if (this.#told.has(one.seed)) continue;
      this.#told.add(one.seed);
      sayFailed(one);
    }
    if (performance.now() >= this.#next) {
      this.#next += PROGRESS_MS;
      console.log(`${operations} operations in ${runs} runs so far, ${failed.length} failed`);
    }
    return !this.stopped;
  }
}

function sayFailed({ seed, limits, failure }: Failed): void {
  console.log(`${failure.kind}: ${failure.text}`);
  console.log(`to repeat: ${commandOf(seed, limits)}`);
}

async function sayShrunk({ seed, limits, failure, operations }: Failed): Promise<void> {
  const shrunk = await shrink(seed, limits, failure, operations);
  console.log(`shrunk to ${shrunk.operations} operations: ${commandOf(seed, shrunk.limits)}`);
  console.log(`${shrunk.failure.kind}: ${shrunk.failure.text}`);
}

async function main(options: Options): Promise<void> {
  const { jobs, keepGoing, rateMin } = options;
  console.log(`seeds from ${options.seed} on`);
  const progress = new Progress(keepGoing);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      progress.stopped = true;
    });
  }
  const told = (tally: Tally): boolean => progress.told(tally);
  const tally = jobs > 1 ? await inProcesses(options, told) : await work(options, told);
  const { runs, operations, failed } = tally;
  const rate = Math.round((operations / tally.cpuMs) * 1000);
  console.log(`${operations} operations in ${runs} runs, ${rate} a second of one core`);
  const [first] = failed;
  if (first !== undefined && !keepGoing) {
    sayFailed(first);
    await sayShrunk(first);
  }
  const slow = rate < rateMin;
  if (slow) console.log(`slower than ${rateMin} operations a second of processor time`);
  if (first !== undefined || slow) process.exitCode = 1;
  console.log(`${runs - failed.length} passed, ${failed.length} failed`);
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
else if (process.send === undefined) await main(options);
else await asJob(options, (tally, sent) => process.send?.(tally, undefined, undefined, sent));
