/** `npm run bench`: tnull beside its peers, beside another tnull (--compare), or as CI's gate (--gate).
 *  The status is 0 when all targets are met, 1 when not, 2 when it could not be measured. */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Arguments, parseArguments, usage } from './arguments.ts';
import { runCompare } from './compare.ts';
import { runGate } from './gate.ts';
import type { Context } from './group.ts';
import { build } from './kinds.ts';
import { endAll, ProgramError, scratch } from './processes.ts';
import { runSuite } from './suite.ts';

const MIB = 512;
const GATE_MIB = 256;

async function main(): Promise<number> {
  const args = parseArguments(process.argv.slice(2));
  if (args.mode === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), 'tnull-bench-'));
  scratch.add(folder);
  return await run(args, {
    ...{ folder, rounds: args.rounds, seconds: args.seconds, only: args.only },
    mib: args.mode === 'gate' ? GATE_MIB : MIB,
    spin: await build('spin', folder),
    limit: await build('limit', folder),
    progress: (text) => void process.stderr.write(`${text}\n`),
  });
}

function run(args: Arguments, context: Context): Promise<number> {
  switch (args.mode) {
    case 'compare':
      return runCompare(args, context);
    case 'gate':
      return runGate(context, args.record);
    default:
      return runSuite(args, context);
  }
}

process.once('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(130));
}
try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof ProgramError || error instanceof TypeError)) throw error;
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 2;
}
