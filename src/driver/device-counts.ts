/** What a device has counted, for metrics: plain numbers that only grow while it has power, and how it is now.
 *  Computed on demand. Source: page.md section 3. */

import { type IoKind, IoStats, ioKinds } from '../block/io-stats.ts';
import { type RefusalCause, refusalCauseNames } from '../block/refusals.ts';
import { Status, statusErrno } from '../block/status.ts';
import { SECTOR_BYTES } from '../units.ts';
import { type RuleStats, tagsInUse } from './device-stats.ts';
import type { PoweredDevice } from './powered-device.ts';
import type { PageStore } from './storage/page-store.ts';
import { type ZoneCondition, zoneConditionNames } from './zones/zone.ts';

/** The edges of the histogram are 2^n ns for each n of [first, last]: from 1 us to 69 s. */
export const durationEdges = { first: 10, last: 36 } as const;

export interface OperationCounts {
  readonly kind: IoKind;
  readonly requests: number;
  readonly bytes: number;
  /** How many took less than 2^n ns, for each n of `durationEdges`. Undefined: there were none at all. */
  readonly below: Float64Array | undefined;
  /** Of all durations. */
  readonly sumNs: number;
}

export interface DeviceCounts {
  readonly powered: boolean;
  readonly operations: readonly OperationCounts[];
  /** Requests that failed and were not refused. */
  readonly errors: readonly (readonly [kind: IoKind, errno: string, count: number])[];
  readonly refusals: readonly (readonly [cause: RefusalCause, count: number])[];
  readonly inFlight: number;
  /** For how long something was in flight. */
  readonly busyNs: number;
  readonly tags: { readonly all: number; readonly inUse: number };
  readonly memory: { readonly heldBytes: number; readonly idleBytes: number };
  readonly cache: { readonly sizeBytes: number; readonly usedBytes: number } | undefined;
  readonly zones: ZoneCounts | undefined;
  readonly badBlockRanges: number;
  readonly snapshots: number;
  /** Undefined: it keeps none. */
  readonly journalBytes: number | undefined;
  /** Rules, in order. */
  readonly faults: readonly RuleStats[];
}

export interface ZoneCounts {
  readonly byCondition: readonly (readonly [condition: string, count: number])[];
  /** 0: no limit. */
  readonly maxOpen: number;
  readonly maxActive: number;
}

const noStats = new IoStats();

/** What is counted, and what the counts are of. */
export interface Counted {
  readonly powered: PoweredDevice | undefined;
  readonly store: PageStore | undefined;
  /** Those of the queue and of threads; undefined: it is off. */
  readonly stats: IoStats | undefined;
  /** ns. */
  readonly now: number;
}

type Beside = Pick<DeviceCounts, 'badBlockRanges' | 'snapshots' | 'journalBytes' | 'faults'>;

export function deviceCounts(of: Counted, beside: Beside): DeviceCounts {
  const { powered, store, stats = noStats, now } = of;
  const queue = powered?.disk.queue;
  const { cache } = powered ?? {};
  const all = queue === undefined ? 0 : queue.tagSet.queueDepth * queue.hwQueueCount;
  return {
    powered: powered !== undefined,
    operations: ioKinds.map((kind, at) => operationCounts(stats, kind, at)),
    errors: errorsOf(stats),
    refusals: powered === undefined ? [] : refusalsOf(stats),
    inFlight: queue?.inFlight ?? 0,
    busyNs: stats.busyNs(now),
    tags: { all, inUse: tagsInUse(queue) },
    memory: { heldBytes: store?.heldBytes ?? 0, idleBytes: store?.idleBytes ?? 0 },
    cache: cache && { sizeBytes: cache.sizeBytes, usedBytes: cache.usedBytes },
    zones: zonesOf(powered),
    ...beside,
  };
}

function operationCounts(stats: IoStats, kind: IoKind, at: number): OperationCounts {
  const times = stats.histogram(at);
  const { first, last } = durationEdges;
  return {
    kind,
    requests: stats.requests[at] ?? 0,
    bytes: (stats.sectors[at] ?? 0) * SECTOR_BYTES,
    below: times.count === 0 ? undefined : times.below(first, last),
    sumNs: times.sum,
  };
}

/** Statuses that a user cannot tell apart have one errno. */
function errorsOf(stats: IoStats): [IoKind, string, number][] {
  return ioKinds.flatMap((kind, at) => {
    const counts = new Map<string, number>();
    for (const status of Object.values(Status)) {
      const count = stats.errorsOf(at, status);
      const errno = statusErrno[status];
      if (count > 0) counts.set(errno, (counts.get(errno) ?? 0) + count);
    }
    return Array.from(counts, ([errno, count]): [IoKind, string, number] => [kind, errno, count]);
  });
}

function refusalsOf(stats: IoStats): [RefusalCause, number][] {
  return refusalCauseNames.map((cause) => [cause, stats.refusalsBy(cause)]);
}

function zonesOf(powered: PoweredDevice | undefined): ZoneCounts | undefined {
  const zones = powered?.zones;
  if (zones === undefined) return undefined;
  const { maxOpen, maxActive } = zones.options;
  const byCondition = Object.entries(zoneConditionNames).map(([condition, name]) => {
    return [name, zones.countOf(Number(condition) as ZoneCondition)] as const; // a key of that table
  });
  return { byCondition, maxOpen, maxActive };
}
