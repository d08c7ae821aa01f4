/** `tnull crash explore FILE --check COMMAND`: every image that a power cut may have left, given to a check. */

import { accessSync, constants, readFileSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { shown, systemText } from '../../config/errors.ts';
import { models } from '../../crash/models.ts';
import { AGAIN_MAX } from '../crash/again.ts';
import { type ExploreCommand, explore, orders } from '../crash/explore.ts';
import { type ExploreReport, merged, reportText } from '../crash/report.ts';
import { choiceOf, numberOf, textOf } from '../crash/words.ts';
import type { FileCommand, FileContext } from '../file-command.ts';
import { namedOutcome, shardOf, timeoutOf } from '../outcome.ts';
import { StartError, UsageError } from '../usage-error.ts';

const LIMIT = 20_000;
const TIMEOUT_MS = 60_000;
const INTERRUPTED = 130;
const WHOSE = 'crash explore';

export const crashExplore: FileCommand = {
  operands: 'FILE',
  summary: 'give every image that a power cut may leave to a check',
  more:
    'COMMAND finds a device with the image at $uri and $unixsocket, and may write to it. Its status: 0 fine,\n' +
    '77 skipped, 10 to 19 an outcome that is counted apart, else failed. It has $TNULL_CRASH_ID,\n' +
    '$TNULL_CRASH_MARKS (a file: the marks that were made by then, a line each) and $TNULL_CRASH_JOURNAL.\n' +
    'Status: 0 no image failed, 1 some did. docs/crash.md says which images there are.\n',
  least: 0,
  most: Number.POSITIVE_INFINITY,
  flags: [
    ['--check <command>', 'the shell command that is given each image'],
    ['--model <model>', `${models.join(', ')} (default torn)`],
    [
      '--order <order>',
      `${orders.join(', ')} (default explore); lazy decides what the check reads`,
    ],
    ['--limit <images>', `try so many at most (default ${LIMIT})`],
    ['--seed <seed>', 'of the samples where the limit does not reach all (default 0)'],
    ['--jobs <count>', 'so many checks at a time, each with a device (default: one for each CPU)'],
    ['--timeout <seconds>', 'a check that takes longer has failed (default 60)'],
    ['--from <mark>', 'only cuts after this mark was made'],
    ['--keep-going', 'do not stop at the first failure'],
    [
      '--again',
      `cut the power again while a check that ends with 0 writes: up to ${AGAIN_MAX} images of each`,
    ],
    ['--outcome <status=name>', 'a name for a status from 10 to 19; repeatable', 'repeatable'],
    ['--shard <k/m>', 'only every M-th image, from the K-th on'],
    ['--report <file>', 'where the report goes (default report.json)'],
    ['--json', 'print the report, for programs and for --merge'],
    ['--merge', 'FILE ... are reports of all shards: print one of them all'],
  ],
  async run(context) {
    const { flags, say, streams } = context;
    const report = flags['merge'] === true ? mergedOf(context) : await explored(context);
    const json = `${JSON.stringify(report)}\n`;
    const wrong = flags['merge'] === true ? undefined : written(reportOf(context), json);
    if (wrong !== undefined) streams.stderr.write(`tnull: ${WHOSE}: no report: ${wrong}\n`);
    say(flags['json'] === true ? json : reportText(report));
    if (report.end === 'interrupted') return INTERRUPTED;
    return report.failed > 0 || wrong !== undefined ? 1 : 0;
  },
};

async function explored(context: FileContext): Promise<ExploreReport> {
  const command = commandOf(context);
  checkWritable(command.report);
  return await explore(command, context.streams, context.daemons);
}

function commandOf({ operands, flags }: FileContext): ExploreCommand {
  const [journal, ...more] = operands;
  const check = textOf(flags['check']);
  if (journal === undefined || more.length > 0) throw new UsageError(`${WHOSE}: it takes FILE`);
  if (check === undefined) throw new UsageError(`${WHOSE}: there is no --check`);
  return {
    ...{ journal: resolve(journal), check, from: textOf(flags['from']) },
    model: choiceOf('--model', flags['model'], models, 'torn'),
    order: choiceOf('--order', flags['order'], orders, 'explore'),
    limit: numberOf('--limit', flags['limit'], LIMIT, 1),
    seed: numberOf('--seed', flags['seed'], 0),
    jobs: numberOf('--jobs', flags['jobs'], availableParallelism(), 1),
    timeoutMs: timeoutOf(WHOSE, textOf(flags['timeout']), TIMEOUT_MS),
    keepGoing: flags['keepGoing'] === true,
    again: flags['again'] === true,
    report: resolve(reportOf({ flags })),
    shard: shardOf(WHOSE, textOf(flags['shard'])),
    outcomes: outcomesOf(flags['outcome']),
  };
}

function reportOf({ flags }: Pick<FileContext, 'flags'>): string {
  return textOf(flags['report']) ?? 'report.json';
}

function outcomesOf(given: unknown): ReadonlyMap<number, string> {
  const all = Array.isArray(given) ? given.map(String) : [];
  return new Map(all.map((text) => namedOutcome(WHOSE, text)));
}

function mergedOf({ operands }: FileContext): ExploreReport {
  return merged(new Map(operands.map((file) => [file, readReport(file)])));
}

function readReport(file: string): ExploreReport {
  let report: unknown;
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError))
      throw new StartError(`${WHOSE}: --merge: ${systemText(error, file)}`);
  }
  if (isReport(report)) return report;
  throw new StartError(`${WHOSE}: --merge: ${shown(file)}: no report of crash explore`);
}

/** As --json wrote it. */
function isReport(value: unknown): value is ExploreReport {
  if (typeof value !== 'object' || value === null) return false;
  return 'failures' in value && Array.isArray(value.failures) && 'shard' in value && 'end' in value;
}

/** Before hours of checks, not behind them. @throws StartError. */
function checkWritable(file: string): void {
  try {
    const isThere = statSync(file, { throwIfNoEntry: false });
    accessSync(isThere === undefined ? dirname(file) : file, constants.W_OK);
    if (isThere?.isDirectory() !== true) return;
  } catch (error) {
    throw new StartError(`${WHOSE}: --report: ${systemText(error)}`);
  }
  throw new StartError(`${WHOSE}: --report: ${shown(file)}: is a folder`);
}

/** @returns what is wrong; undefined: it is written. */
function written(file: string, text: string): string | undefined {
  try {
    writeFileSync(file, text);
    return undefined;
  } catch (error) {
    return systemText(error);
  }
}
