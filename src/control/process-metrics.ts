/** The daemon itself for Prometheus, under the names that its dashboards know. It is read on demand: no timer
 *  runs.
 *  Source: control.md section 3 (GET /metrics). */

import { head, type MetricKind, sample } from './prometheus.ts';

const MICROSECONDS = 1e6;

/** Memory of all data together, in bytes. */
export interface MemoryUse {
  /** Infinity: no limit. */
  readonly limitBytes: number;
  readonly usedBytes: number;
  /** How often memory ran out. */
  readonly refusals: number;
}

type Row = readonly [
  name: string,
  help: string,
  kind: MetricKind,
  value: (memory: MemoryUse) => number,
];

const rows: readonly Row[] = [
  [
    'process_cpu_seconds_total',
    'CPU time of the daemon',
    'counter',
    () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / MICROSECONDS;
    },
  ],
  [
    'process_resident_memory_bytes',
    'Memory of the daemon',
    'gauge',
    () => process.memoryUsage.rss(),
  ],
  [
    'nodejs_heap_size_used_bytes',
    'JavaScript objects in it',
    'gauge',
    () => process.memoryUsage().heapUsed,
  ],
  [
    'process_start_time_seconds',
    'Start of the daemon',
    'gauge',
    () => Math.floor(performance.timeOrigin / 1000),
  ],
  ['tnull_memory_used_bytes', 'Memory of all data together', 'gauge', ({ usedBytes }) => usedBytes],
  ['tnull_memory_limit_bytes', 'What it may be at most', 'gauge', ({ limitBytes }) => limitBytes],
  [
    'tnull_memory_refusals_total',
    'How often there was none',
    'counter',
    ({ refusals }) => refusals,
  ],
];

/** All of them as text. */
export function processMetrics(memory: MemoryUse): string {
  return rows
    .map(([name, help, kind, value]) => {
      return `${head(name, help, kind)}${name} ${sample(value(memory))}\n`;
    })
    .join('');
}
