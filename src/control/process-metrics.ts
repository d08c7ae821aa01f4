/** The daemon itself for Prometheus, under the names that its dashboards know. It is read on demand: no timer
 *  runs, unlike prom-client's own default metrics.
 *  Source: control.md section 3 (GET /metrics). */

import { Counter, Gauge, Registry } from 'prom-client';

const MICROSECONDS = 1e6;

/** Memory of all data together, in bytes. */
export interface MemoryUse {
  /** Infinity: no limit. */
  readonly limitBytes: number;
  readonly usedBytes: number;
  /** How often memory ran out. */
  readonly refusals: number;
}

/** A registry of its own: nothing is global. */
export function processMetrics(memory: MemoryUse): Registry {
  const registry = new Registry();
  const registers = [registry];
  new Counter({
    ...{ name: 'process_cpu_seconds_total', help: 'CPU time of the daemon', registers },
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / MICROSECONDS);
    },
  });
  new Gauge({
    ...{ name: 'process_resident_memory_bytes', help: 'Memory of the daemon', registers },
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    ...{ name: 'nodejs_heap_size_used_bytes', help: 'JavaScript objects in it', registers },
    collect() {
      this.set(process.memoryUsage().heapUsed);
    },
  });
  new Gauge({
    ...{ name: 'tnull_memory_used_bytes', help: 'Memory of all data together', registers },
    collect() {
      this.set(memory.usedBytes);
    },
  });
  const limit = { name: 'tnull_memory_limit_bytes', help: 'What it may be at most', registers };
  new Gauge(limit).set(memory.limitBytes);
  new Counter({
    ...{ name: 'tnull_memory_refusals_total', help: 'How often there was none', registers },
    collect() {
      this.reset();
      this.inc(memory.refusals);
    },
  });
  const started = Math.floor(performance.timeOrigin / 1000);
  const since = { name: 'process_start_time_seconds', help: 'Start of the daemon', registers };
  new Gauge(since).set(started);
  return registry;
}
