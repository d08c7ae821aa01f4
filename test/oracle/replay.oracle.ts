/** Every scenario of the recordings on a running daemon, step by step, and again in equivalent ways: other
 *  zeroes, other completions, smaller requests. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Daemon, startDaemon } from './daemon.ts';
import { expected } from './differences.ts';
import { difference } from './judge.ts';
import { type Config, recordedScenarios, type Scenario, scenarioFiles } from './recordings.ts';
import { Replay, type Zeroes } from './replay.ts';

interface Run {
  readonly title: string;
  readonly zeroes: Zeroes;
  /** Set over what each scenario's config says. */
  readonly force: Config;
  readonly of: (scenario: Scenario) => boolean;
}

/** Without bad blocks and zones it makes no difference where a request is cut. */
const splittable = new Set([
  'unwritten-zero',
  'past-end',
  'discard-512',
  'discard-off',
  'power-keeps',
  'rmdir-frees',
  'size-odd',
  'cache-lost',
  'cache-flush',
  'cache-discard-lost',
  'cache-partial-evict',
  'cache-fua',
  'cache-fua-off',
  'zone-rotation',
  'random-1001',
  'random-1002',
  'random-1005',
  'random-1006',
  'random-1012',
  'random-1013',
  'random-1016',
  'random-1017',
  'random-1023',
  'random-1024',
  'random-1027',
  'random-1028',
  'random-1034',
  'random-1035',
  'random-1038',
  'random-1039',
]);

const every = (): boolean => true;
const hasZeroout = ({ steps }: Scenario): boolean => steps.some(({ op }) => op === 'zeroout');
const isRandom = ({ name }: Scenario): boolean => name.startsWith('random-');

const runs: readonly Run[] = [
  { title: 'as recorded', zeroes: 'WRITE_ZEROES', force: {}, of: every },
  { title: 'zeroout as plain writes', zeroes: 'WRITE', force: {}, of: hasZeroout },
  {
    title: 'irqmode=2 completion_nsec=1000',
    zeroes: 'WRITE_ZEROES',
    force: { irqmode: 2, completion_nsec: 1000 },
    of: isRandom,
  },
  { title: 'irqmode=1', zeroes: 'WRITE_ZEROES', force: { irqmode: 1 }, of: isRandom },
  {
    title: 'max_sectors=8',
    zeroes: 'WRITE_ZEROES',
    force: { max_sectors: 8 },
    of: ({ name }) => splittable.has(name),
  },
];

const scenarios = scenarioFiles.flatMap(recordedScenarios);

/** The machine that the scenarios come from: 2 CPUs, and the module's poll_queues is 1. */
const CPUS = 2;
const MODULE = ['poll_queues=1'];

describe.each(runs)('$title', ({ zeroes, force, of }) => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon(MODULE, CPUS);
  });
  afterAll(() => daemon.stop());

  const chosen = scenarios.filter(of).map((scenario) => [scenario.name, scenario] as const);
  test.concurrent.each(chosen)('%s', async (_, scenario) => {
    await replayed(new Replay(daemon, scenario.name, zeroes), scenario, force);
  });
});

test('every scenario that is to be split exists', () => {
  const names = scenarios.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining([...splittable]));
});

/** @throws at the first step that is not as it must be. */
async function replayed(replay: Replay, scenario: Scenario, force: Config): Promise<void> {
  await replay.begin({ ...scenario.config, ...force });
  for (const [number, step] of scenario.steps.entries()) {
    const result = await replay.step(step);
    const wanted = expected(scenario, number);
    const wrong = wanted === undefined ? undefined : difference(wanted, result);
    if (wrong === undefined) continue;
    const what = JSON.stringify({ ...step, zones: undefined, data: undefined });
    throw new Error(`${scenario.name}, step ${number}: ${what}\n${wrong}`);
  }
  await replay.end();
}
