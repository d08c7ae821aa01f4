/** `npm run bench`: tnull, nbdkit and limit.c side by side. Prints tables, writes JSON and a plot to
 *  bench/results/, and ends with 1 when a case is slower than nbdkit or a feature too dear. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cases } from './cases.ts';
import { measureFacts } from './facts.ts';
import { measureFeatures, PLAIN, tooDear } from './features.ts';
import { describeMachine } from './machine.ts';
import { plot } from './plot.ts';
import { ProgramError } from './processes.ts';
import { limit, nbdkit, tnull } from './servers.ts';
import { measureSpeed, ratio } from './speed.ts';
import { factsTable, featuresTable, machineText, speedTable } from './table.ts';

const usage = `usage: npm run bench -- [--rounds 3] [--seconds 2] [--case TEXT] [--no-facts]
                       [--no-features]
  --rounds   how often each case is measured on each server, in turns; the median counts
  --seconds  of one measurement
  --case     only cases whose name contains TEXT
  --facts    also memory, idle CPU, start time and exact delays (on by default)
  --features also what bad blocks, a write cache and zones cost (on by default)
`;

const MIB = 512;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '2' },
      case: { type: 'string', default: '' },
      facts: { type: 'boolean', default: true },
      features: { type: 'boolean', default: true },
      help: { type: 'boolean', default: false },
    },
    allowNegative: true,
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const rounds = positive('rounds', values.rounds);
  const seconds = positive('seconds', values.seconds);
  const chosen = cases.filter(({ name }) => name.includes(values.case));
  const folder = mkdtempSync(join(tmpdir(), 'tnull-bench-'));
  try {
    const machine = await describeMachine();
    const kinds = [tnull(['--memory-backed']), nbdkit, await limit(folder)];
    const progress = (text: string): void => {
      process.stderr.write(`${text}\n`);
    };
    const options = { cases: chosen, rounds, seconds, mib: MIB, folder, progress };
    const speed = await measureSpeed(kinds, options);
    const features = values.features ? await measureFeatures(options) : [];
    const facts = values.facts ? await measureFacts(folder, 2 * MIB) : undefined;
    const tables = [
      speedTable(speed),
      ...(features.length === 0 ? [] : [featuresTable(features, PLAIN)]),
      ...(facts === undefined ? [] : [factsTable(facts)]),
    ];
    process.stdout.write(`${[machineText(machine), ...tables].join('\n\n')}\n`);
    write({ machine, rounds, seconds, speed, features, facts }, plot(speed, machineText(machine)));
    const dear = tooDear(features);
    for (const line of dear) process.stderr.write(`bench: ${line}\n`);
    const slow = speed.some((result) => ratio(result, 'tnull', 'nbdkit') < 1);
    return slow || dear.length > 0 ? 1 : 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new ProgramError(`--${name} must be a positive number, not '${text}'`);
  return value;
}

function write(results: object, svg: string): void {
  const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'bench.json'), `${JSON.stringify(results, undefined, 2)}\n`);
  writeFileSync(join(folder, 'bench.svg'), svg);
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof ProgramError || error instanceof TypeError)) throw error;
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 2;
}
