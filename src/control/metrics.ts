/** The devices for Prometheus. The statistics are read on demand, and nothing is counted here: without a
 *  scrape it costs nothing. It works in slices.
 *  Source: control.md section 3 (GET /metrics); Prometheus text format 0.0.4. */

import type { DeviceStats } from '../driver/device-stats.ts';
import type { NullDevice } from '../driver/null-device.ts';
import { limits } from './limits.ts';
import { head, type Labels, labelled, type MetricKind } from './prometheus.ts';
import { joined } from './slices.ts';

type Sample = readonly [labels: Labels, value: number];

interface MetricRow {
  readonly name: string;
  readonly help: string;
  readonly kind: MetricKind;
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
    kind: 'gauge',
    samples: (_, device) => [[{}, device.powered ? 1 : 0]],
  },
  {
    name: 'tnull_requests_total',
    help: 'Requests that have ended',
    kind: 'counter',
    samples: (stats) => each(stats.operations, 'operation', (one) => one.requests),
  },
  {
    name: 'tnull_bytes_total',
    help: 'Bytes of requests that have ended',
    kind: 'counter',
    samples: (stats) => each(stats.operations, 'operation', (one) => Number(one.bytes)),
  },
  {
    name: 'tnull_request_seconds',
    help: 'How long requests took, by quantile; 1 is the longest',
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
    kind: 'counter',
    samples: (stats) => each(stats.errors, 'cause', (count) => count),
  },
  {
    name: 'tnull_memory_bytes',
    help: 'Memory of the data: held, or idle and to be given back',
    kind: 'gauge',
    samples: ({ memory }) => [
      [{ state: 'held' }, memory.heldBytes],
      [{ state: 'idle' }, memory.idleBytes],
    ],
  },
  {
    name: 'tnull_cache_bytes',
    help: 'Volatile write cache: its size, and what of it is used',
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
    kind: 'gauge',
    samples: ({ zones }) => (zones === null ? [] : each({ ...zones }, 'state', (count) => count)),
  },
  {
    name: 'tnull_tags',
    help: 'Tags of all hardware queues, and those in use',
    kind: 'gauge',
    samples: ({ tags }) => [
      [{ state: 'all' }, tags.depth * tags.queues],
      [{ state: 'in_use' }, tags.inUse],
    ],
  },
  {
    name: 'tnull_bad_block_ranges',
    help: 'Ranges of bad sectors',
    kind: 'gauge',
    samples: (stats) => [[{}, stats.badBlockRanges]],
  },
  {
    name: 'tnull_faults_struck_total',
    help: 'Commands that rules have struck, by rule and action',
    kind: 'counter',
    samples: ({ faults: all }) =>
      all.map(({ rule, action, struck }): Sample => [{ rule, action }, struck]),
  },
];

/** The data that metrics are made of. */
export interface MetricsSources {
  readonly allStats: () => Iterable<[NullDevice, DeviceStats]>;
  readonly version: string;
  /** How often clients broke a rule of the protocol and were served, by the rule. */
  readonly clientFaults: () => ReadonlyMap<string, number>;
  /** Ends of connections that no client caused, by what happened. */
  readonly serverFaults: () => ReadonlyMap<string, number>;
  /** The daemon's own metrics, as text. */
  readonly own: string;
}

function* faults(
  name: string,
  help: string,
  counts: ReadonlyMap<string, number>,
): Generator<string> {
  yield head(name, help, 'counter');
  for (const [fault, count] of counts) yield `${name}${labelled({ fault })} ${count}\n`;
}

const CLIENT_FAULTS = 'Rules that clients broke and were served all the same';
const SERVER_FAULTS = 'Ends of connections that no client caused';

/** Every metric with the samples of all devices, in pieces, and the daemon's own. */
export function* metricsPieces(sources: MetricsSources): Generator<string> {
  const { allStats, version, clientFaults, serverFaults, own } = sources;
  yield head('tnull_info', 'The program', 'gauge');
  yield `tnull_info${labelled({ version })} 1\n`;
  yield* faults('tnull_client_faults_total', CLIENT_FAULTS, clientFaults());
  yield* faults('tnull_server_faults_total', SERVER_FAULTS, serverFaults());
  // Once for all metrics, so that they agree.
  const scraped: [NullDevice, DeviceStats][] = [];
  for (const one of allStats()) {
    scraped.push(one);
    if (scraped.length % limits.statsPerPiece.max === 0) yield '';
  }
  for (const { name, help, kind, samples } of rows) {
    yield head(name, help, kind);
    const lines = ([device, stats]: [NullDevice, DeviceStats]): string =>
      samples(stats, device)
        .map(([own, value]) => `${name}${labelled({ device: device.name, ...own })} ${value}\n`)
        .join('');
    yield* joined(scraped, limits.samplesPerPiece.max, lines);
  }
  yield own;
}
