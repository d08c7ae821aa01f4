/** The metrics of a device, one row each: names, help and samples. Knows how they are computed from what the
 *  device has counted, and not how they are sent. Source: page.md section 3. */

import { type DeviceCounts, durationEdges, type OperationCounts } from '../driver/device-counts.ts';
import { histogram, type Metric, type Sample } from './prometheus.ts';

export interface DeviceMetric extends Metric {
  /** The samples without the label `device`, each list made in some 10 us. */
  readonly samples: (counts: DeviceCounts) => Iterable<readonly Sample[]>;
}

const NS_PER_S = 1e9;

function durationEnds(): string[] {
  const { first, last } = durationEdges;
  return Array.from({ length: last - first + 1 }, (_, at) => String(2 ** (first + at) / NS_PER_S));
}

/** In seconds. */
const ends = durationEnds();

/** One value, or none. */
function one(value: number | undefined): Sample[][] {
  return value === undefined ? [] : [[[{}, value]]];
}

function byOperation(
  counts: DeviceCounts,
  value: (operation: OperationCounts) => number,
): Sample[][] {
  return [counts.operations.map((of): Sample => [{ operation: of.kind }, value(of)])];
}

const counter = 'counter';
const gauge = 'gauge';

export const deviceMetrics: readonly DeviceMetric[] = [
  {
    name: 'tnull_device_powered',
    help: 'Whether power is 1',
    kind: gauge,
    samples: ({ powered }) => one(powered ? 1 : 0),
  },
  {
    name: 'tnull_requests_total',
    labels: ['operation'],
    help: 'Requests that have ended',
    kind: counter,
    samples: (counts) => byOperation(counts, ({ requests }) => requests),
  },
  {
    name: 'tnull_bytes_total',
    labels: ['operation'],
    help: 'Bytes of requests that have succeeded',
    kind: counter,
    samples: (counts) => byOperation(counts, ({ bytes }) => bytes),
  },
  {
    name: 'tnull_request_duration_seconds',
    labels: ['operation'],
    help: 'How long requests took, of operations that there were; an end belongs to the next bucket',
    kind: 'histogram',
    *samples({ operations }) {
      for (const { kind, below, requests, sumNs } of operations) {
        if (below === undefined) continue;
        yield histogram({ operation: kind }, ends, below, requests, sumNs / NS_PER_S);
      }
    },
  },
  {
    name: 'tnull_errors_total',
    labels: ['operation', 'errno'],
    help: 'Requests that failed and were not refused, by errno',
    kind: counter,
    samples: ({ errors }) => [
      errors.map(([operation, errno, count]): Sample => [{ operation, errno }, count]),
    ],
  },
  {
    name: 'tnull_refusals_total',
    labels: ['cause'],
    help: 'Requests and commands that a rule refused, by the rule',
    kind: counter,
    samples: ({ refusals }) => [refusals.map(([cause, count]): Sample => [{ cause }, count])],
  },
  {
    name: 'tnull_io_now',
    help: 'Requests in flight',
    kind: gauge,
    samples: ({ inFlight }) => one(inFlight),
  },
  {
    name: 'tnull_io_time_seconds_total',
    help: 'How long at least one request was in flight',
    kind: counter,
    samples: ({ busyNs }) => one(busyNs / NS_PER_S),
  },
  {
    name: 'tnull_io_time_weighted_seconds_total',
    help: 'How long all requests that have ended took together',
    kind: counter,
    samples: ({ operations }) =>
      one(operations.reduce((sum, { sumNs }) => sum + sumNs, 0) / NS_PER_S),
  },
  {
    name: 'tnull_tags',
    help: 'Tags of all hardware queues',
    kind: gauge,
    samples: ({ tags }) => one(tags.all),
  },
  {
    name: 'tnull_tags_in_use',
    help: 'Tags that a request has',
    kind: gauge,
    samples: ({ tags }) => one(tags.inUse),
  },
  {
    name: 'tnull_memory_held_bytes',
    help: 'Memory that holds data',
    kind: gauge,
    samples: ({ memory }) => one(memory.heldBytes),
  },
  {
    name: 'tnull_memory_idle_bytes',
    help: 'Memory without data that goes back soon',
    kind: gauge,
    samples: ({ memory }) => one(memory.idleBytes),
  },
  {
    name: 'tnull_cache_size_bytes',
    help: 'Size of the volatile write cache',
    kind: gauge,
    samples: ({ cache }) => one(cache?.sizeBytes),
  },
  {
    name: 'tnull_cache_used_bytes',
    help: 'Data in the volatile write cache',
    kind: gauge,
    samples: ({ cache }) => one(cache?.usedBytes),
  },
  {
    name: 'tnull_zones',
    labels: ['condition'],
    help: 'Zones by condition',
    kind: gauge,
    samples: ({ zones }) => [
      (zones?.byCondition ?? []).map(([condition, count]): Sample => [{ condition }, count]),
    ],
  },
  {
    name: 'tnull_zones_open_max',
    help: 'Zones that may be open, of a device with such a limit',
    kind: gauge,
    samples: ({ zones }) => one(zones?.maxOpen === 0 ? undefined : zones?.maxOpen),
  },
  {
    name: 'tnull_zones_active_max',
    help: 'Zones that may be open or closed, of a device with such a limit',
    kind: gauge,
    samples: ({ zones }) => one(zones?.maxActive === 0 ? undefined : zones?.maxActive),
  },
  {
    name: 'tnull_bad_block_ranges',
    help: 'Ranges of bad sectors',
    kind: gauge,
    samples: ({ badBlockRanges }) => one(badBlockRanges),
  },
  {
    name: 'tnull_snapshots',
    help: 'Snapshots that are kept',
    kind: gauge,
    samples: ({ snapshots }) => one(snapshots),
  },
  {
    name: 'tnull_journal_bytes',
    help: 'Size of the journal since power on, of a device that keeps one',
    kind: gauge,
    samples: ({ journalBytes }) => one(journalBytes),
  },
  {
    name: 'tnull_faults_struck_total',
    labels: ['rule', 'action'],
    help: 'Commands that rules have struck, by rule and action',
    kind: counter,
    samples: ({ faults }) => [
      faults.map(({ rule, action, struck }): Sample => [{ rule, action }, struck]),
    ],
  },
];
