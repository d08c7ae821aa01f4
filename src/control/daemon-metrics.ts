/** The metrics of the daemon as a whole, one row each: the process under the names that dashboards of Node
 *  know, its memory, and its clients. Read on demand: no timer runs.
 *  Source: control.md section 3 (GET /metrics); page.md section 3. */

import type { Metric, Sample } from './prometheus.ts';

const MICROSECONDS = 1e6;

/** Memory of all data together, in bytes. */
export interface MemoryUse {
  /** Infinity: no limit. */
  readonly limitBytes: number;
  readonly usedBytes: number;
  /** How often memory ran out. */
  readonly refusals: number;
}

/** Bytes of the NBD protocol, inside TLS. */
export interface Traffic {
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

export interface DaemonFacts {
  readonly version: string;
  readonly memory: MemoryUse;
  /** Threads that have clients' sockets. */
  readonly threads: number;
  /** The powered devices and how many clients each has. */
  readonly exports: () => Iterable<{ readonly device: string; readonly clients: number }>;
  readonly traffic: () => Traffic;
  /** Clients that were turned away before the handshake, by reason. */
  readonly refusedConnections: () => ReadonlyMap<string, number>;
  /** How often clients broke a rule of the protocol and were served, by the rule. */
  readonly clientFaults: () => ReadonlyMap<string, number>;
  /** Ends of connections that no client caused, by what happened. */
  readonly serverFaults: () => ReadonlyMap<string, number>;
}

interface DaemonMetric extends Metric {
  readonly samples: (facts: DaemonFacts) => Iterable<Sample>;
}

function one(value: number): Sample[] {
  return [[{}, value]];
}

function by(label: string, counts: ReadonlyMap<string, number>): Sample[] {
  return Array.from(counts, ([name, count]): Sample => [{ [label]: name }, count]);
}

const clients: readonly DaemonMetric[] = [
  {
    name: 'tnull_clients',
    labels: ['device'],
    help: 'Clients that have agreed on the export of a device',
    kind: 'gauge',
    *samples({ exports }) {
      for (const use of exports()) yield [{ device: use.device }, use.clients];
    },
  },
  {
    name: 'tnull_connections_refused_total',
    labels: ['reason'],
    help: 'Clients that were turned away before the handshake, by reason',
    kind: 'counter',
    samples: ({ refusedConnections }) => by('reason', refusedConnections()),
  },
  {
    name: 'tnull_received_bytes_total',
    help: 'Bytes of the protocol from all clients',
    kind: 'counter',
    samples: ({ traffic }) => one(traffic().receivedBytes),
  },
  {
    name: 'tnull_sent_bytes_total',
    help: 'Bytes of the protocol to all clients',
    kind: 'counter',
    samples: ({ traffic }) => one(traffic().sentBytes),
  },
  {
    name: 'tnull_client_faults_total',
    labels: ['fault'],
    help: 'Rules that clients broke and were served all the same',
    kind: 'counter',
    samples: ({ clientFaults }) => by('fault', clientFaults()),
  },
  {
    name: 'tnull_server_faults_total',
    labels: ['fault'],
    help: 'Ends of connections that no client caused',
    kind: 'counter',
    samples: ({ serverFaults }) => by('fault', serverFaults()),
  },
];

const program: readonly DaemonMetric[] = [
  {
    name: 'tnull_build_info',
    labels: ['version', 'node'],
    help: 'The program and the Node that runs it',
    kind: 'gauge',
    samples: ({ version }) => [[{ version, node: process.versions.node }, 1]],
  },
  {
    name: 'tnull_threads',
    help: 'Threads that have sockets of clients',
    kind: 'gauge',
    samples: ({ threads }) => one(threads),
  },
  {
    name: 'process_cpu_seconds_total',
    help: 'CPU time of the daemon',
    kind: 'counter',
    samples() {
      const { user, system } = process.cpuUsage();
      return one((user + system) / MICROSECONDS);
    },
  },
  {
    name: 'process_resident_memory_bytes',
    help: 'Memory of the daemon',
    kind: 'gauge',
    samples: () => one(process.memoryUsage.rss()),
  },
  {
    name: 'nodejs_heap_size_used_bytes',
    help: 'JavaScript objects in it',
    kind: 'gauge',
    samples: () => one(process.memoryUsage().heapUsed),
  },
  {
    name: 'process_start_time_seconds',
    help: 'Start of the daemon',
    kind: 'gauge',
    samples: () => one(Math.floor(performance.timeOrigin / 1000)),
  },
  {
    name: 'tnull_memory_used_bytes',
    help: 'Memory of all data together',
    kind: 'gauge',
    samples: ({ memory }) => one(memory.usedBytes),
  },
  {
    name: 'tnull_memory_limit_bytes',
    help: 'What it may be at most',
    kind: 'gauge',
    samples: ({ memory }) => one(memory.limitBytes),
  },
  {
    name: 'tnull_memory_refusals_total',
    help: 'How often there was none',
    kind: 'counter',
    samples: ({ memory }) => one(memory.refusals),
  },
];

export const daemonMetrics: readonly DaemonMetric[] = [...program, ...clients];
