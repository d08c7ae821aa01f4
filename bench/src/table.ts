/** The results as a table in Markdown, to be read in a terminal and put into a README as it is. */

import type { Facts } from './facts.ts';
import type { Machine } from './machine.ts';
import { type CaseResult, ratio } from './speed.ts';

const MIB = 1024 * 1024;

export function speedTable(results: readonly CaseResult[]): string {
  const rows = results.map((result) => {
    const speed = (server: string): string =>
      ((result.servers[server]?.median ?? Number.NaN) / MIB).toFixed(0);
    return [
      result.name,
      speed('tnull'),
      speed('nbdkit'),
      speed('limit'),
      ratio(result, 'tnull', 'nbdkit').toFixed(2),
      ratio(result, 'tnull', 'limit').toFixed(2),
    ];
  });
  return markdown(
    ['case', 'tnull MiB/s', 'nbdkit MiB/s', 'limit MiB/s', 'tnull / nbdkit', 'tnull / limit'],
    rows,
  );
}

/** One row for each feature and case. */
export function featuresTable(results: readonly CaseResult[], plain: string): string {
  const rows = results.flatMap((result) =>
    Object.keys(result.servers)
      .filter((name) => name !== plain)
      .map((name) => [
        `${name}: ${result.name}`,
        ...[name, plain].map((one) =>
          ((result.servers[one]?.median ?? Number.NaN) / MIB).toFixed(0),
        ),
        ratio(result, name, plain).toFixed(2),
      ]),
  );
  return markdown(['feature', 'with MiB/s', 'without MiB/s', 'with / without'], rows);
}

export function factsTable(facts: Facts): string {
  const mib = (value: number): string => `${value.toFixed(0)} MiB`;
  return markdown(
    ['tnull alone', 'measured'],
    [
      ['start until the socket is there', `${facts.startMs.toFixed(0)} ms`],
      ['resident memory, no data', mib(facts.rssEmptyMib)],
      [
        `resident memory beyond ${facts.dataMib} MiB of data`,
        mib(facts.rssFullMib - facts.dataMib),
      ],
      ['resident memory 5 s after discarding all', mib(facts.rssDiscardedMib)],
      ['CPU time in 5 s idle', `${facts.idleCpuMs} ms`],
      ['median 4 KiB read at depth 1, spinning client', `${facts.inlineUs.toFixed(1)} us`],
      [`the same with completion_nsec=${facts.delayUs * 1000}`, `${facts.delayedUs.toFixed(1)} us`],
      [`power on of a device of ${facts.zones} zones`, `${facts.zonesOnMs.toFixed(0)} ms`],
      [`report of its ${facts.zones} zones over HTTP`, `${facts.zonesReportMs.toFixed(0)} ms`],
    ],
  );
}

export function machineText(machine: Machine): string {
  return (
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB; ${machine.kernel}; ` +
    `Node ${machine.node}; ${machine.fio}; ${machine.nbdkit}; ${machine.date}, ${machine.commit}`
  );
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, i) =>
    i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}
