/** What exploring found: a report for programs, text for people, and one report out of those of shards.
 *  Source: crash.md section 5. */

import { shellCommand } from '../../config/shell-word.ts';
import type { Doubtful, Moment } from '../../crash/story.ts';
import { isFailure, type Outcome, type Shard, statusText, tailText } from '../outcome.ts';
import { timeText } from '../table.ts';
import { StartError } from '../usage-error.ts';

/** Why there were no more images. */
export type End =
  | 'every image'
  | 'limit'
  | 'failure'
  | 'interrupted'
  /** A check read otherwise when it was run again: its instant was given up. */
  | 'reads differ';

export interface Tried extends Outcome {
  readonly id: string;
  /** Its place in the order, from 0 on. */
  readonly n: number;
  readonly ms: number;
}

export interface Failure extends Tried {
  readonly moment: Moment;
  readonly commands: readonly Doubtful[];
  /** The end of what the check said. */
  readonly output: string;
  /** It is legal only since the device lied. */
  readonly beyond: boolean;
  /** Of a second cut: the journal of what the check wrote after the first, and its image there. */
  readonly again?: { readonly journal: string; readonly id: string };
}

export interface ExploreReport {
  readonly journal: string;
  readonly check: string;
  readonly model: string;
  readonly order: string;
  readonly seed: number;
  readonly limit: number;
  readonly from: string | null;
  readonly shard: Shard;
  /** Decimal, of any length: images of all instants together, and distinct ones in all. */
  readonly legal: string;
  readonly distinct: string;
  readonly tried: number;
  /** Of those, images of a second cut. */
  readonly again: number;
  readonly failed: number;
  /** By outcome. */
  readonly counts: Readonly<Record<string, number>>;
  /** The first image of each outcome of the user's own. */
  readonly firsts: Readonly<Record<string, string>>;
  readonly end: End;
  /** Checks that read otherwise when run again; of the order lazy. */
  readonly diverged: number;
  readonly ms: number;
  /** In the order of exploring. */
  readonly failures: readonly Failure[];
}

const COMMANDS_SHOWN = 12;
const FAILURES_SHOWN = 10;

/** Counts what was tried. */
export function countsOf(
  all: readonly Tried[],
): Pick<ExploreReport, 'tried' | 'again' | 'failed' | 'counts' | 'firsts'> {
  const counts: Record<string, number> = {};
  const firsts: Record<string, string> = {};
  for (const { outcome, status, id } of all) {
    counts[outcome] = (counts[outcome] ?? 0) + 1;
    if (status !== undefined && status >= 10 && status <= 19) firsts[outcome] ??= id;
  }
  const again = all.filter(({ id }) => id.includes('/')).length;
  return { tried: all.length, again, failed: all.filter(isFailure).length, counts, firsts };
}

export function reportText(report: ExploreReport): string {
  const { legal, distinct, counts, firsts, end, ms, failures } = report;
  const shown = failures.slice(0, FAILURES_SHOWN).map((one) => failureText(report, one));
  const more = failures.length - shown.length;
  const others = more > 0 ? [`${more} more failures are in the report\n`] : [];
  const named = Object.entries(firsts).map(([outcome, id]) => `first ${outcome}: ${id}\n`);
  const second = report.again > 0 ? ` (${report.again} of a second cut)` : '';
  const found = Object.entries(counts).map(([outcome, count]) => `${count} ${outcome}`);
  return [
    ...[...shown, ...others, ...named],
    ...(report.diverged > 0
      ? [`${report.diverged} checks read otherwise than before: lazy is for those that do not\n`]
      : []),
    `images: ${legal} legal in all instants, ${distinct} distinct\n`,
    `tried: ${report.tried}${second} in ${timeText(ms * 1e6)}: ${found.join(', ') || 'none'}; ${endText(end)}\n`,
  ].join('');
}

function failureText(report: ExploreReport, failure: Failure): string {
  const { id, moment, commands, output, again, beyond } = failure;
  const { journal, id: image } = again ?? { journal: report.journal, id };
  const lines = commands.slice(0, COMMANDS_SHOWN).map((one) => `  ${doubtfulText(one)}\n`);
  const more = commands.length - lines.length;
  return [
    `${id}: ${statusText(failure)}\n`,
    again === undefined ? '' : '  a second cut, while the check wrote to what the first one left\n',
    beyond ? '  beyond the contract: only since a flush or FUA lied, or a write was lost\n' : '',
    `  ${momentText(moment)}\n`,
    ...lines,
    ...(more > 0 ? [`  and ${more} more commands that were not durable\n`] : []),
    ...(output === '' ? [] : ['  the end of what the check said:\n', tailText(output)]),
    `  ${shellCommand('tnull', 'crash', 'serve', journal, image)}\n\n`,
  ].join('');
}

export function momentText({ instant, arrived, answered, mark, next }: Moment): string {
  const last = mark === undefined ? 'nothing marked' : `last mark '${oneLine(mark)}'`;
  const later = next === undefined ? '' : `, next '${oneLine(next)}'`;
  const commands = `${arrived} commands had arrived, ${answered} were answered`;
  return `instant ${instant}: ${commands}; ${last}${later}`;
}

export function doubtfulText(one: Doubtful): string {
  const { n, command, client, sector, sectors, kept, blocks, isAnswered, isAstray } = one;
  const what = kept === 0 ? 'lost' : kept === blocks ? 'kept' : `${kept} of ${blocks} blocks kept`;
  const state = isAnswered ? 'answered' : 'not answered';
  const who = isAstray ? 'misdirected' : `client ${client}`;
  return `${command} ${n} (${sector}+${sectors}, ${who}, ${state}): ${what}`;
}

/** What is marked may drive the terminal. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '?');
}

function endText(end: End): string {
  switch (end) {
    case 'every image':
      return 'every distinct image was tried';
    case 'limit':
      return 'up to --limit: there are more';
    case 'reads differ':
      return 'not all was tried';
    case 'failure':
      return 'stopped at a failure (--keep-going goes on)';
    case 'interrupted':
      return 'interrupted';
  }
}

const head = ['check', 'model', 'order', 'seed', 'limit', 'from', 'legal', 'distinct'] as const;

/** @param reports by their file. @throws StartError when they are not the shards of one exploration. */
export function merged(reports: ReadonlyMap<string, ExploreReport>): ExploreReport {
  const all = [...reports];
  const [[, first] = ['', undefined]] = all;
  if (first === undefined) throw new StartError('crash explore: --merge: there is no report');
  const wrong = (file: string, what: string): never => {
    throw new StartError(`crash explore: --merge: ${file}: ${what}`);
  };
  const shards = new Map<number, string>();
  for (const [file, report] of all) {
    const other = head.find((key) => report[key] !== first[key]);
    if (other !== undefined) wrong(file, `${other} is '${report[other]}', not '${first[other]}'`);
    const { index, of } = report.shard;
    if (of !== first.shard.of) wrong(file, `one of ${of} shards, not of ${first.shard.of}`);
    if (shards.has(index)) wrong(file, `shard ${index} is in ${shards.get(index)}`);
    shards.set(index, file);
  }
  const missing = Array.from({ length: first.shard.of }, (_, at) => at + 1).filter(
    (k) => !shards.has(k),
  );
  if (missing.length > 0) {
    const which = missing.join(', ');
    throw new StartError(
      `crash explore: --merge: of ${first.shard.of} shards there is no ${which}`,
    );
  }
  return joined(
    first,
    all.map(([, report]) => report),
  );
}

function joined(first: ExploreReport, reports: readonly ExploreReport[]): ExploreReport {
  const counts: Record<string, number> = {};
  const firsts: Record<string, string> = {};
  for (const report of reports) {
    for (const [outcome, count] of Object.entries(report.counts)) {
      counts[outcome] = (counts[outcome] ?? 0) + count;
    }
    for (const [outcome, id] of Object.entries(report.firsts)) firsts[outcome] ??= id;
  }
  const ends = new Set(reports.map(({ end }) => end));
  const order = ['interrupted', 'failure', 'reads differ', 'limit', 'every image'] as const;
  return {
    ...first,
    ...{ shard: { index: 1, of: 1 }, counts, firsts },
    tried: reports.reduce((sum, { tried }) => sum + tried, 0),
    again: reports.reduce((sum, { again }) => sum + again, 0),
    failed: reports.reduce((sum, { failed }) => sum + failed, 0),
    diverged: reports.reduce((sum, { diverged }) => sum + diverged, 0),
    end: order.find((one) => ends.has(one)) ?? 'limit',
    ms: Math.max(...reports.map(({ ms }) => ms)),
    failures: reports.flatMap(({ failures }) => failures).toSorted((a, b) => a.n - b.n),
  };
}
