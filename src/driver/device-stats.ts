/** What a device can report about itself: counters, latencies, memory, requests in flight. Computed on
 *  demand. Source: control.md section 3, Stats. */

import { Command } from '../block/command.ts';
import { type InFlightRequest, lookForRequests } from '../block/in-flight.ts';
import { type IoKind, IoStats, ioKinds } from '../block/io-stats.ts';
import { requestCauses } from '../block/refusals.ts';
import type { RequestQueue } from '../block/request-queue.ts';
import { Status, statusErrno } from '../block/status.ts';
import type { Clock } from '../time/clock.ts';
import { forJson, SECTOR_BYTES } from '../units.ts';
import type { NullData } from './completion.ts';
import type { PoweredDevice } from './powered-device.ts';
import type { PageStore } from './storage/page-store.ts';
import type { HeldCommand } from './struck/held.ts';

export interface OperationStats {
  readonly requests: number;
  /** With all its digits, also above 2^53. */
  readonly bytes: number | string;
  readonly latencyNs: {
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly p999: number;
    readonly max: number;
    readonly mean: number;
  };
}

export interface DeviceStats {
  readonly operations: Readonly<Record<IoKind, OperationStats>>;
  /** Failed requests by cause. */
  readonly errors: Readonly<Record<string, number>>;
  readonly memory: { readonly heldBytes: number; readonly idleBytes: number };
  readonly cache: { readonly sizeBytes: number; readonly usedBytes: number } | null;
  readonly zones: { readonly count: number; readonly open: number; readonly active: number } | null;
  readonly tags: { readonly depth: number; readonly queues: number; readonly inUse: number };
  readonly badBlockRanges: number;
  /** Rules, in order. */
  readonly faults: readonly RuleStats[];
}

export interface RuleStats {
  readonly rule: string;
  readonly action: string;
  readonly matched: number;
  readonly struck: number;
}

export interface InFlight {
  readonly tag: number;
  readonly queue: number;
  readonly command: string;
  /** Above 2^53 a text, and exact. */
  readonly sector: number | string;
  readonly sectors: number | string;
  readonly state: 'issued' | 'started' | 'held';
  /** The rule that has it hang. */
  readonly rule?: string;
  /** The reference count. */
  readonly count: number;
  readonly ageNs: number;
}

const noStats = new IoStats();

/** @param stats undefined: nothing was counted. */
function operationStats(stats: IoStats = noStats): Record<IoKind, OperationStats> {
  const entries = ioKinds.map((kind, at) => {
    const times = stats.histogram(at);
    const latencyNs = {
      p50: times.percentile(0.5),
      p90: times.percentile(0.9),
      p99: times.percentile(0.99),
      p999: times.percentile(0.999),
      max: Math.round(times.max),
      mean: Math.round(times.mean),
    };
    const bytes = forJson(BigInt(stats.sectors[at] ?? 0) * BigInt(SECTOR_BYTES));
    return [kind, { requests: stats.requests[at] ?? 0, bytes, latencyNs }];
  });
  return Object.fromEntries(entries) as Record<IoKind, OperationStats>; // one entry per kind
}

export type Latencies = Readonly<
  Record<IoKind, readonly (readonly [endNs: number, count: number])[]>
>;

/** How many requests took how long, since power on. */
export function latenciesOf(stats: IoStats = noStats): Latencies {
  const entries = ioKinds.map((kind, at) => [kind, stats.histogram(at).buckets()]);
  return Object.fromEntries(entries) as Latencies; // one entry per kind
}

/** @param counted replaces the queue's own counts. */
export function deviceStats(
  powered: PoweredDevice | undefined,
  store: PageStore | undefined,
  counted: IoStats | undefined,
  badBlockRanges: number,
  faults: readonly RuleStats[],
): DeviceStats {
  const { zones, cache } = powered ?? {};
  const queue = powered?.disk.queue;
  return {
    operations: operationStats(counted),
    errors: { ...errorsByErrno(counted), ...(powered && causesOf(counted)) },
    memory: { heldBytes: store?.heldBytes ?? 0, idleBytes: store?.idleBytes ?? 0 },
    cache: cache === undefined ? null : { sizeBytes: cache.sizeBytes, usedBytes: cache.usedBytes },
    zones:
      zones === undefined
        ? null
        : { count: zones.count, open: zones.openCount, active: zones.activeCount },
    tags: {
      depth: queue?.tagSet.queueDepth ?? 0,
      queues: queue?.hwQueueCount ?? 0,
      inUse: tagsInUse(queue),
    },
    badBlockRanges,
    faults,
  };
}

/** A command that a rule lets hang has a tag and no request; of shared tags nobody knows whose they are. */
export function tagsInUse(queue: RequestQueue<NullData> | undefined): number {
  if (queue === undefined) return 0;
  const { inFlight, tagSet } = queue;
  return tagSet.data.shared ? inFlight : Math.max(inFlight, tagSet.inFlight);
}

/** By errno; statuses that are retried never appear. */
function errorsByErrno(stats: IoStats = noStats): Record<string, number> {
  const errors: Record<string, number> = {};
  for (const status of Object.values(Status)) {
    let count = stats.refusedWith[status] ?? 0;
    for (let kind = 0; kind < ioKinds.length; kind++) count += stats.errorsOf(kind, status);
    if (count > 0) errors[statusErrno[status]] = (errors[statusErrno[status]] ?? 0) + count;
  }
  return errors;
}

/** Failures whose cause the driver knows. */
function causesOf(stats: IoStats = noStats): Record<string, number> {
  return Object.fromEntries(requestCauses.map((cause) => [cause, stats.refusalsBy(cause)]));
}

const commandNames = new Map<number, string>(
  Object.entries(Command).map(([name, number]) => [
    number,
    name.toLowerCase().replaceAll('_', '-'),
  ]),
);

/** What is in flight on `queue`, in pieces. @param held what hangs in front of it. */
export function* requestsOf(
  queue: RequestQueue<NullData>,
  clock: Clock,
  held: Iterable<HeldCommand> = [],
): Generator<readonly InFlight[]> {
  for (const piece of lookForRequests(queue)) {
    const now = clock.now();
    yield piece.map((request) => describe(request, now));
  }
  for (const one of held) yield [describeHeld(one, clock.now())];
}

function describeHeld({ since, hctx, rule, ...command }: HeldCommand, now: number): InFlight {
  return {
    ...describe({ ...command, hctx, started: false, count: 0, issuedAt: since }, now),
    state: 'held',
    rule,
  };
}

function describe(request: InFlightRequest, now: number): InFlight {
  return {
    tag: request.tag,
    queue: request.hctx,
    command: commandNames.get(request.command) ?? String(request.command),
    sector: forJson(BigInt(request.sector)),
    sectors: forJson(BigInt(request.sectors)),
    state: request.started ? 'started' : 'issued',
    count: request.count,
    ageNs: Math.max(0, Math.round(now - request.issuedAt)),
  };
}
