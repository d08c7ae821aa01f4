/** docs/benchmark.md and the table of README.md, out of docs/benchmark.json. */

import type { Benchmark, Measured, RecordedRow } from '../../bench/src/record.ts';
import { markdown } from '../../bench/src/table.ts';
import { rowOf } from './charts.ts';

/** The rows of the table in README.md, and of the chart of bandwidth. */
export const SHOWN = [
  'randread 4k depth 1',
  'randread 4k depth 32',
  'randwrite 4k depth 32',
  'read 128k depth 16',
] as const;

/** Below it tnull is slower than nbdkit, and not by noise alone. */
const SLOWER = 0.95;

/** README.md with its table, and the line above it, as measured. */
export function withTable(readme: string, measured: Benchmark): string {
  const [before, rest, more] = readme.split(/^Measured on /m);
  const after = rest?.replace(/^[^|]*(?:^\|.*\n)+/m, '');
  if (before === undefined || rest === undefined || more !== undefined || after === rest)
    throw new Error('README.md: no table of the benchmark behind a line `Measured on ...`');
  return `${before}${measuredOn(measured)}\n\n${table(measured)}\n${after}`;
}

function measuredOn({ machine, rounds, seconds }: Benchmark): string {
  return filled(`Measured on ${machine}. Medians of ${rounds} rounds of ${seconds} s.`);
}

function table(measured: Benchmark): string {
  const lines = SHOWN.map((name) => {
    const row = rowOf(measured, 'speed', name);
    const cells = ['tnull', 'nbdkit', 'limit'].map((server) => cell(row, server));
    return [name, row.unit, ...cells, ratio(row, 'tnull', 'nbdkit'), ratio(row, 'tnull', 'limit')];
  });
  return markdown(
    ['', 'unit', 'tnull', 'nbdkit', 'limit', 'tnull / nbdkit', 'tnull / limit'],
    lines,
  );
}

/** The whole page. */
export function benchmarkPage(measured: Benchmark): string {
  const met = measured.targets.filter((target) => target.met).length;
  return `# What the benchmark measured

<!-- Made from docs/benchmark.json by \`npm run docs\`; do not edit. -->

\`npm run bench\` runs tnull beside nbdkit, qemu-nbd, nbd-server and \`limit\`, [a bare C server](../bench/limit.c) that checks
nothing: it shows what one thread can do. [bench/README.md](../bench/README.md) says how each thing is measured,
[performance.md](performance.md) what bounds it. [benchmark.json](benchmark.json) has all numbers of this run, with their
noise and the project's targets: ${met} of ${measured.targets.length} targets are met. \`npm run bench -- --record\` writes that file and this page.

${measuredOn(measured)}
The host is shared, and numbers move much between rounds: look at the ratios. They move too; tnull / nbdkit on single
reads of 4k was between 1.1 and 2.0 on two machines. Each row of a chart has its own scale.

![Bandwidth over a unix socket](images/bandwidth.svg)

![Latency of 4 KiB reads at depth 1](images/latency.svg)

![Processor time of the server](images/processor.svg)

Beyond the charts, from the same run:

${points(measured).join('\n')}
`;
}

function points(measured: Benchmark): string[] {
  const [read, write] = ['randread 4k depth 32', 'randwrite 4k depth 32'] as const;
  const threads = (name: string): string =>
    ratio(rowOf(measured, 'threads', name), '2 threads', 'tnull');
  const feature = (name: string): string =>
    [read, write]
      .map((row) => ratio(rowOf(measured, 'features', row), name, 'plain'))
      .join(' and ');
  const timer = rowOf(measured, 'timers', 'completion_nsec=100000, depth 1');
  const memory = (name: string): string => cell(rowOf(measured, 'memory', name), 'tnull', false);
  const start = rowOf(measured, 'start', 'start to ready line');
  return [
    `**Threads.** \`--threads 2\` is ${threads('randrw 4k depth 32, 4 jobs')} times one thread with four jobs, ${threads('randread 4k depth 4, 16 connections')} times with sixteen connections, and ${threads(read)} times with one client at depth 32.`,
    `**Features.** Of a plain device's reads and writes at depth 32, a device with 10,000 bad ranges reaches ${feature('bad blocks')}, one with a write cache ${feature('cache')}, one with zones ${feature('zones')}. Above 1 is noise.`,
    `**Timers.** The median read with \`completion_nsec=100000\` takes ${cell(timer, 'p50', false)} us at depth 1.`,
    `**Memory.** ${memory('resident, empty')} MiB without data, ${memory('resident with 1 GiB stored')} MiB with 1024 MiB of data, ${memory('resident 5 s after discarding all')} MiB 5 s after all of it was discarded.`,
    `**Start.** ${cell(start, 'tnull', false)} ms to the ready line.`,
    `**Slower than nbdkit.** ${slower(measured).join('; ') || 'Nothing'}.`,
  ].map((point) => filled(`- ${point}`, '  '));
}

/** Every bandwidth that is below nbdkit's, with its ratio. */
function slower({ groups }: Benchmark): string[] {
  return groups.flatMap(({ group, rows }) =>
    rows
      .filter(({ unit, measured }) => unit === 'MiB/s' && 'nbdkit' in measured)
      .filter((row) => quotient(row, 'tnull', 'nbdkit') < SLOWER)
      .map((row) => `${group}: ${row.case} (${ratio(row, 'tnull', 'nbdkit')})`),
  );
}

function ratio(row: RecordedRow, over: string, under: string): string {
  return quotient(row, over, under).toFixed(2);
}

function quotient(row: RecordedRow, over: string, under: string): number {
  return measuredIn(row, over).value / measuredIn(row, under).value;
}

function cell(row: RecordedRow, column: string, withNoise = true): string {
  const { value, noisePercent } = measuredIn(row, column);
  const text = value.toFixed(Math.abs(value) >= 100 ? 0 : 1);
  return withNoise && noisePercent !== undefined ? `${text} (${noisePercent} %)` : text;
}

/** @throws Error when it was not measured. */
function measuredIn(row: RecordedRow, column: string): Measured {
  const one = row.measured[column];
  if (one === undefined) throw new Error(`docs/benchmark.json: no ${column} in ${row.case}`);
  return one;
}

const COLUMNS = 120;

/** Words in lines that are no longer than the pages' others. */
function filled(text: string, indent = ''): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined) lines.push(word);
    else if (line.length + 1 + word.length <= COLUMNS) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(indent + word);
  }
  return lines.join('\n');
}
