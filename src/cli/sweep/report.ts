/** What a sweep found: a report for programs, a table for people, and one report out of those of shards.
 *  Source: faults.md section 2 (Sweep). */

import { isFailure, type Outcome, type Shard, statusText, tailText } from '../outcome.ts';
import { type Cell, table, timeText } from '../table.ts';
import { StartError } from '../usage-error.ts';

/** Why there were no more runs. */
export type End =
  /** A run ended in which the rule did not strike. */
  'every chance taken' | 'limit' | 'failure' | 'interrupted';

/** A command that the rule struck. */
export interface Strike {
  readonly op: string;
  readonly sector: number;
  readonly sectors: number;
}

export interface Run extends Outcome {
  readonly n: number;
  /** Empty: the rule did not strike. */
  readonly struck: readonly Strike[];
  readonly ms: number;
  /** The end of what it said; empty where all is well. */
  readonly output: string;
}

export interface Report {
  readonly command: string;
  readonly rule: string;
  readonly seed: string;
  readonly from: number;
  /** null: until the rule does not strike. */
  readonly to: number | null;
  readonly shard: Shard;
  readonly end: End;
  /** How many commands the rule can strike; null: that is not known. */
  readonly chances: number | null;
  /** By outcome. */
  readonly counts: Readonly<Record<string, number>>;
  readonly runs: readonly Run[];
}

export function withCounts(report: Omit<Report, 'counts' | 'chances'>): Report {
  const counts: Record<string, number> = {};
  for (const { outcome } of report.runs) counts[outcome] = (counts[outcome] ?? 0) + 1;
  const first = report.runs.find(({ struck }) => struck.length === 0);
  const chances = report.end === 'every chance taken' && first !== undefined ? first.n - 1 : null;
  const { runs, ...head } = report;
  return { ...head, chances, counts, runs };
}

export function reportText(report: Report): string {
  const { runs, counts } = report;
  const rows = runs.map((run): Cell[] => [
    run.n,
    strikesText(run.struck),
    statusText(run),
    timeText(run.ms * 1e6),
  ]);
  const details = runs.filter((run) => isFailure(run) && run.output !== '').map(detail);
  const found = Object.entries(counts).map(([outcome, count]) => `${count} ${outcome}`);
  const many = runs.length === 1 ? '1 run' : `${runs.length} runs`;
  const summary = `${many}: ${found.join(', ') || 'none'}; ${endText(report)}\n`;
  return `${table(['N', 'STRUCK', 'STATUS', 'TIME'], rows)}${details.join('')}${summary}`;
}

function strikesText(struck: readonly Strike[]): string {
  const [first] = struck;
  if (first === undefined) return '-';
  const { op, sector, sectors } = first;
  const where = sectors === 0 ? op : `${op} ${sector}+${sectors}`;
  return struck.length === 1 ? where : `${where} and ${struck.length - 1} more`;
}

function detail(run: Run): string {
  return `\nN ${run.n}: ${statusText(run)}; the end of what it said:\n${tailText(run.output)}\n`;
}

function endText({ end, chances, to, shard }: Report): string {
  switch (end) {
    case 'every chance taken':
      if (chances === 0) return 'nothing matched the rule';
      return shard.of === 1
        ? `every chance of ${chances} was taken`
        : 'every chance of this shard was taken';
    case 'limit':
      return `up to --to ${to}: there may be more chances`;
    case 'failure':
      return 'stopped at a failure (--keep-going goes on)';
    case 'interrupted':
      return 'interrupted';
  }
}

/** @param reports by their file. @throws StartError when they are not the shards of one sweep. */
export function merged(reports: ReadonlyMap<string, Report>): Report {
  const all = [...reports];
  const [[, first] = ['', undefined]] = all;
  if (first === undefined) throw new StartError('sweep: --merge: there is no report');
  const shards = new Map<number, string>();
  for (const [file, report] of all) {
    for (const key of ['command', 'rule', 'seed', 'from', 'to'] as const) {
      if (report[key] === first[key]) continue;
      throw new StartError(
        `sweep: --merge: ${file}: ${key} is '${report[key]}', not '${first[key]}'`,
      );
    }
    const { index, of } = report.shard;
    if (of !== first.shard.of) {
      throw new StartError(
        `sweep: --merge: ${file}: one of ${of} shards, not of ${first.shard.of}`,
      );
    }
    const other = shards.get(index);
    if (other !== undefined)
      throw new StartError(`sweep: --merge: ${file}: shard ${index} is in ${other}`);
    shards.set(index, file);
  }
  const missing = Array.from({ length: first.shard.of }, (_, at) => at + 1).filter(
    (k) => !shards.has(k),
  );
  if (missing.length > 0) {
    throw new StartError(
      `sweep: --merge: of ${first.shard.of} shards there is no ${missing.join(', ')}`,
    );
  }
  return joined(
    first,
    all.map(([, report]) => report),
  );
}

/** Every shard once. */
function joined(first: Report, reports: readonly Report[]): Report {
  const runs = reports.flatMap((report) => report.runs).toSorted((a, b) => a.n - b.n);
  const last = runs.find(({ struck }) => struck.length === 0)?.n ?? Number.POSITIVE_INFINITY;
  const ends = new Set(reports.map(({ end }) => end));
  const end = (['interrupted', 'failure', 'every chance taken', 'limit'] as const).find((one) =>
    ends.has(one),
  );
  const { counts: _counts, chances: _chances, ...head } = first;
  return withCounts({
    ...head,
    shard: { index: 1, of: 1 },
    end: end ?? 'limit',
    // Each shard has a run that was not struck: one is enough.
    runs: runs.filter((run) => run.n <= last || run.struck.length > 0 || isFailure(run)),
  });
}
