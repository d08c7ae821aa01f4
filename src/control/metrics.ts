/** The devices for Prometheus. The statistics are read when somebody asks, and nothing is counted
 *  here: without a scrape it costs nothing. Source: control.md section 3 (GET /metrics). */

import prometheus from 'prom-client';
import type { DeviceStats } from '../driver/device-stats.ts';
import type { NullDevice } from '../driver/null-device.ts';

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

interface MetricRow {
  readonly name: string;
  readonly help: string;
  /** Beside `device`. */
  readonly labels: readonly string[];
  readonly kind: 'counter' | 'gauge';
  readonly samples: (stats: DeviceStats, device: NullDevice) => readonly Sample[];
}

const NS_PER_S = 1e9;
const quantiles = [
  ['0.5', 'p50'],
  ['0.9', 'p90'],
  ['0.99', 'p99'],
  ['0.999', 'p999'],
  ['1', 'max'],
] as const;

function each<T>(record: Readonly<Record<string, T>>, label: string, value: (one: T) => number) {
  return Object.entries(record).map(([key, one]): Sample => [{ [label]: key }, value(one)]);
}

const rows: readonly MetricRow[] = [
  {
    name: 'tnull_device_powered',
    help: 'Whether power is 1',
    labels: [],
    kind: 'gauge',
    samples: (_, device) => [[{}, device.powered ? 1 : 0]],
  },
  {
    name: 'tnull_requests_total',
    help: 'Requests that have ended',
    labels: ['operation'],
    kind: 'counter',
    samples: (stats) => each(stats.operations, 'operation', (one) => one.requests),
  },
  {
    name: 'tnull_bytes_total',
    help: 'Bytes of requests that have ended',
    labels: ['operation'],
    kind: 'counter',
    samples: (stats) => each(stats.operations, 'operation', (one) => one.bytes),
  },
  {
    name: 'tnull_request_seconds',
    help: 'How long requests took, by quantile; 1 is the longest',
    labels: ['operation', 'quantile'],
    kind: 'gauge',
    samples: (stats) =>
      Object.entries(stats.operations).flatMap(([operation, { latencyNs }]) =>
        quantiles.map(
          ([quantile, key]): Sample => [{ operation, quantile }, latencyNs[key] / NS_PER_S],
        ),
      ),
  },
  {
    name: 'tnull_errors_total',
    help: 'Requests that failed, by errno or cause',
    labels: ['cause'],
    kind: 'counter',
    samples: (stats) => each(stats.errors, 'cause', (count) => count),
  },
  {
    name: 'tnull_memory_bytes',
    help: 'Memory of the data: held, or idle and to be given back',
    labels: ['state'],
    kind: 'gauge',
    samples: ({ memory }) => [
      [{ state: 'held' }, memory.heldBytes],
      [{ state: 'idle' }, memory.idleBytes],
    ],
  },
  {
    name: 'tnull_cache_bytes',
    help: 'Volatile write cache: its size, and what of it is used',
    labels: ['state'],
    kind: 'gauge',
    samples: ({ cache }) =>
      cache === null
        ? []
        : [
            [{ state: 'size' }, cache.sizeBytes],
            [{ state: 'used' }, cache.usedBytes],
          ],
  },
  {
    name: 'tnull_zones',
    help: 'Zones in all, open ones and active ones',
    labels: ['state'],
    kind: 'gauge',
    samples: ({ zones }) => (zones === null ? [] : each({ ...zones }, 'state', (count) => count)),
  },
  {
    name: 'tnull_tags',
    help: 'Tags of all hardware queues, and those in use',
    labels: ['state'],
    kind: 'gauge',
    samples: ({ tags }) => [
      [{ state: 'all' }, tags.depth * tags.queues],
      [{ state: 'in_use' }, tags.inUse],
    ],
  },
  {
    name: 'tnull_bad_block_ranges',
    help: 'Ranges of bad sectors',
    labels: [],
    kind: 'gauge',
    samples: (stats) => [[{}, stats.badBlockRanges]],
  },
];

export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
}

export function makeMetrics(
  allStats: () => Iterable<[NullDevice, DeviceStats]>,
  version: string,
): Metrics {
  const registry = new prometheus.Registry();
  const registers = [registry];
  let scraped: readonly [NullDevice, DeviceStats][] = [];
  for (const { name, help, labels, kind, samples } of rows) {
    const labelNames = ['device', ...labels];
    const Metric = kind === 'counter' ? prometheus.Counter : prometheus.Gauge;
    const metric = new Metric({
      name,
      help,
      labelNames,
      registers,
      collect() {
        metric.reset();
        for (const [device, stats] of scraped) {
          for (const [own, value] of samples(stats, device)) {
            metric.inc({ device: device.name, ...own }, value);
          }
        }
      },
    });
  }
  const info = new prometheus.Gauge({
    name: 'tnull_info',
    help: 'The program',
    labelNames: ['version'],
    registers,
  });
  info.set({ version }, 1);
  return {
    contentType: registry.contentType,
    text() {
      // Once for all metrics, so that they agree.
      scraped = [...allStats()];
      return registry.metrics();
    },
  };
}
