/** `tnull sweep`: from its words to an exit status. Source: faults.md section 2 (Sweep). */

import { isatty } from 'node:tty';
import { type Resolved, resolve } from '../../config/resolve.ts';
import { makeLog } from '../../daemon/log.ts';
import { version } from '../../daemon/version.ts';
import { textOf } from '../fault-words.ts';
import { interruptible } from '../interrupt.ts';
import { thisMachine } from '../machine.ts';
import { isFailure } from '../outcome.ts';
import { wordsFromHere } from '../paths-here.ts';
import type { Streams } from '../process-end.ts';
import { StartError } from '../usage-error.ts';
import { parseSweep, type SweepCommand } from './arguments.ts';
import { sweepHelp } from './flags.ts';
import { type Common, Lane } from './lane.ts';
import { loop } from './loop.ts';
import { Progress } from './progress.ts';
import { merged, type Report, reportText, withCounts } from './report.ts';

const STDERR = 2;
const INTERRUPTED = 130;

/** @param argv behind `sweep`. @returns the exit status. @throws what a start throws, in one line. */
export async function runSweep(argv: readonly string[], streams: Streams): Promise<number> {
  const parsed = parseSweep(argv, version());
  const stdout = streams.stdout('command');
  if (parsed.kind === 'help') {
    stdout.write(sweepHelp());
    return 0;
  }
  const report =
    parsed.kind === 'merge'
      ? merged(new Map(parsed.files.map((file) => [file, readReport(file)])))
      : await sweep(parsed, streams);
  stdout.write(parsed.json ? `${JSON.stringify(report)}\n` : reportText(report));
  if (report.chances === 0) streams.stderr.write('tnull: sweep: nothing matched the rule\n');
  if (report.end === 'interrupted') return INTERRUPTED;
  return report.runs.some(isFailure) ? 1 : 0;
}

async function sweep(command: SweepCommand, streams: Streams): Promise<Report> {
  const { from, to, shard, jobs, keepGoing } = command;
  const common = await commonOf(command, streams);
  const lanes: Lane[] = [];
  const progress = new Progress({
    ...{ from, to, shards: shard.of, now: () => performance.now() },
    say: (text) => void (isatty(STDERR) && streams.stderr.write(text)),
  });
  const kill = (): void => {
    for (const lane of lanes) lane.kill('SIGKILL');
  };
  try {
    return await interruptible(kill, async (signal) => {
      // Not more of them than there can be runs.
      const most = Math.min(jobs, Math.ceil((to - from + 1) / shard.of));
      for (let n = 0; n < most; n++) lanes.push(await Lane.start(command, common));
      const matched = new Map<number, number>();
      const { runs, end } = await loop({
        ...{ from, to, shard, jobs: lanes.length, keepGoing, signal },
        run: async (n, at) => {
          const ran = await lanes[at]?.run(n);
          if (ran === undefined) throw new Error('a lane that is not there');
          matched.set(n, ran.matched);
          return ran.run;
        },
        onRun: (run) => progress.add(run, matched.get(run.n) ?? 0),
      });
      const { rule, seed } = command;
      const limit = Number.isFinite(to) ? to : null;
      return withCounts({
        command: command.command,
        rule,
        seed,
        from,
        to: limit,
        shard,
        end,
        runs,
      });
    });
  } finally {
    progress.end();
    await Promise.all(lanes.map((lane) => lane.end()));
  }
}

async function commonOf({ serve, seed }: SweepCommand, streams: Streams): Promise<Common> {
  const machine = { ...thisMachine(), wholeBlocks: serve.rules.alignment === 'error' };
  const parameters: Resolved = resolve(wordsFromHere(serve.words), machine);
  const format = serve.logFormat ?? (isatty(STDERR) ? 'pretty' : 'json');
  const log = await makeLog(serve.logLevel, format, streams.stderr);
  for (const notice of parameters.notices) log.warn(notice);
  return {
    ...{ machine, log, faultSeed: seed, debug: false, limits: serve.limits, ...serve.rules },
    ...{ protocol: serve.protocol, memoryLimit: serve.memoryLimit, threads: serve.threads ?? 1 },
    parameters: { ...parameters, options: { ...parameters.options, nr_devices: 0 } },
  };
}

/** @throws StartError. */
function readReport(file: string): Report {
  const none = new StartError(`sweep: --merge: ${file}: no report of a sweep`);
  let report: unknown;
  try {
    report = JSON.parse(textOf(file));
  } catch (error) {
    throw error instanceof StartError ? new StartError(`sweep: --merge: ${error.message}`) : none;
  }
  if (isReport(report)) return report;
  throw none;
}

/** As --json wrote it. */
function isReport(value: unknown): value is Report {
  if (typeof value !== 'object' || value === null) return false;
  return 'runs' in value && Array.isArray(value.runs) && 'shard' in value && 'end' in value;
}
