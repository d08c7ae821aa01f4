/** The results as tables in Markdown, for a terminal and for a README. */

import type { Machine } from './machine.ts';
import { type GroupResult, type Row, ratio } from './rows.ts';
import { median, noise } from './statistics.ts';
import { type Judged, targetText } from './targets.ts';

/** One row for each row, a column for each column and pair; in brackets the noise. */
export function groupTable({ group, about, rows, pairs, failure, steal }: GroupResult): string {
  const title = `## ${group}: ${about}`;
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row.columns)))];
  const head = ['', 'unit', ...columns, ...pairs.map(([over, under]) => `${over} / ${under}`)];
  const lines = rows.map((row) => [
    row.name,
    row.unit,
    ...columns.map((column) => cell(row, column)),
    ...pairs.map((pair) => number(ratio(row, pair), 2)),
  ]);
  const table = rows.length === 0 ? [] : [markdown(head, lines)];
  const notes = failure === undefined ? [] : [`Not measured: ${failure}`];
  if (steal !== undefined && steal > STEAL_WORTH_SAYING)
    notes.push(`Meanwhile ${stealText(steal)}.`);
  return [title, ...table, ...notes].join('\n\n');
}

/** Below it a median is not moved. */
const STEAL_WORTH_SAYING = 0.01;

function stealText(share: number): string {
  return `the host took ${(share * 100).toFixed(1)} % of the processors' time (steal)`;
}

function cell(row: Row, column: string): string {
  const rounds = row.columns[column];
  if (rounds === undefined) return '-';
  const middle = median(rounds);
  const text = number(middle, Math.abs(middle) >= 100 ? 0 : Math.abs(middle) >= 1 ? 1 : 3);
  return rounds.length < 2 ? text : `${text} (${number(noise(rounds) * 100, 0)} %)`;
}

function number(value: number, digits: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(digits);
}

/** The group reports what could not be measured; here it is only counted. */
export function targetsTable(judged: readonly Judged[]): string {
  const measured = judged.filter(({ verdict }) => verdict !== 'not measured');
  const lines = measured.map(({ target, value, verdict }) => [
    `${target.group}: ${target.row}`,
    targetText(target),
    number(value, Math.abs(value) < 1 ? 3 : 2),
    verdict,
  ]);
  const count = (verdict: string): number => judged.filter((one) => one.verdict === verdict).length;
  const sum = `${count('met')} met, ${count('missed')} missed, ${count('not measured')} not measured`;
  return `## Targets: ${sum}\n\n${markdown(['', 'target', 'measured', ''], lines)}`;
}

export function machineText(machine: Machine): string {
  const { steal } = machine;
  return (
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB; ${machine.kernel}; ` +
    `Node ${machine.node}; ${machine.fio}; ${machine.peers.join(', ')}; ${machine.date}, ${machine.commit}` +
    (steal === undefined ? '' : `; ${stealText(steal)}`)
  );
}

export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) =>
    Math.max(3, title.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((cell, i) => {
      const width = widths[i] ?? 0;
      return i === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    return `| ${padded.join(' | ')} |`;
  };
  const rule = widths.map((width, i) =>
    i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}
