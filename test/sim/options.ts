/** The words of `npm run sim`: what is run, how much of it, and to what each run is cut down.
 *  Knows neither the process nor the simulation. */

import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type Feature, features, type Limits } from './plan.ts';

export const usage = `usage: npm run sim -- [OPTION ...]; without any: the twenty fixed seeds
  --seconds N          fresh seeds for so long
  --seed S             this seed; with --seconds, --runs or --operations it and those after it
  --runs N             so many seeds
  --jobs N             in so many processes
  --operations N       of all runs together; the last one is cut there
  --keep-going         after a failure too; each is said when it is found, and none is shrunk
  --rate-min N         fail below so many operations a second of processor time
  --help
What each run is cut down to:
  --devices N --clients N --operators N
  --without A,B        features that are left out
  --memory-fails-at N  the n-th time that memory is taken there is none; 0: never`;

/** What is run where nothing is asked for. */
const FIXED_SEEDS = 20;

export interface Options {
  /** Infinity: as many runs as are asked for. */
  readonly seconds: number;
  readonly runs: number;
  readonly jobs: number;
  readonly seed: number;
  /** In all runs; the last one is cut there. */
  readonly operations: number;
  /** Of the seeds every n-th: the others are other processes'. */
  readonly every: number;
  /** After a failure too. */
  readonly keepGoing: boolean;
  /** Operations a second of processor time; 0: however slow it is. */
  readonly rateMin: number;
  readonly limits: Limits;
}

/** One line of what is wrong with the words. */
export class UsageError extends Error {}

const names = [
  ...['seconds', 'seed', 'runs', 'jobs', 'every', 'operations', 'rate-min'],
  ...['devices', 'clients', 'operators', 'without', 'memory-fails-at'],
] as const;
type Name = (typeof names)[number];

/** @returns undefined: help is asked for. @throws UsageError. */
export function readOptions(words: readonly string[]): Options | undefined {
  const values = parse(words);
  if (values === undefined) return undefined;
  const number = (name: Name, least = 1): number | undefined =>
    whole(name, values.get(name), least);
  const seconds = number('seconds');
  const operations = number('operations');
  const seed = number('seed', 0);
  const endless = seconds !== undefined || operations !== undefined;
  const once = seed === undefined ? FIXED_SEEDS : 1;
  return {
    seconds: seconds ?? Number.POSITIVE_INFINITY,
    operations: operations ?? Number.POSITIVE_INFINITY,
    runs: number('runs') ?? (endless ? Number.POSITIVE_INFINITY : once),
    jobs: number('jobs') ?? 1,
    seed: seed ?? (endless ? randomInt(1, 2 ** 31) : 1),
    every: number('every') ?? 1,
    keepGoing: values.has('keep-going'),
    rateMin: number('rate-min') ?? 0,
    limits: {
      devices: number('devices'),
      clients: number('clients'),
      operators: number('operators', 0),
      memoryFailsAt: number('memory-fails-at', 0),
      without: values.get('without')?.split(',').map(featureOf),
    },
  };
}

function parse(words: readonly string[]): Map<string, string> | undefined {
  const texts = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        ...texts,
        'keep-going': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    const { help, ...given } = values;
    if (help === true) return undefined;
    return new Map(Object.entries(given).map(([name, value]) => [name, String(value)]));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function whole(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= Number.MAX_SAFE_INTEGER) return value;
  throw new UsageError(`--${name} ${text}: must be a whole number from ${least} on`);
}

function featureOf(text: string): Feature {
  const found = features.find((one) => one === text);
  if (found !== undefined) return found;
  throw new UsageError(`--without ${text}: must be some of ${features.join(',')}`);
}
