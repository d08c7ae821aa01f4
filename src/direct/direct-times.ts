/** What threads have executed of a device's requests: each adds to memory of its own, and who wants to
 *  know adds them up. Source: control.md section 3, Stats. */

import { bucketOf, HISTOGRAM_BUCKETS } from '../block/histogram.ts';
import type { IoStats } from '../block/io-stats.ts';

/** READ and WRITE, as the first of `ioKinds`. */
const KINDS = 2;
const Field = { REQUESTS: 0, SECTORS: 1, SUM: 2, MAX: 3, BUSY: 4, BUCKETS: 5 } as const;
const KIND_VALUES = Field.BUCKETS + HISTOGRAM_BUCKETS;

export class DirectTimes {
  readonly #values: Float64Array;

  /** @param memory of `bytesFor` all threads. */
  constructor(memory: SharedArrayBuffer) {
    this.#values = new Float64Array(memory);
  }

  static bytesFor(threads: number): number {
    return 8 * threads * KINDS * KIND_VALUES;
  }

  /** `requests` of a kind (0: READ, 1: WRITE) took `ns` each and did `sectors` in all. */
  add(thread: number, kind: number, requests: number, sectors: number, ns: number): void {
    const values = this.#values;
    const at = (thread * KINDS + kind) * KIND_VALUES;
    increase(values, at + Field.REQUESTS, requests);
    increase(values, at + Field.SECTORS, sectors);
    increase(values, at + Field.SUM, ns * requests);
    increase(values, at + Field.BUCKETS + bucketOf(ns), requests);
    if (ns > (values[at + Field.MAX] ?? 0)) values[at + Field.MAX] = ns;
  }

  /** A thread has worked for `ns` on requests of whatever kind. */
  busy(thread: number, ns: number): void {
    increase(this.#values, thread * KINDS * KIND_VALUES + Field.BUSY, ns);
  }

  /** Adds all threads' to `stats`. */
  addTo(stats: IoStats): void {
    for (let at = 0; at < this.#values.length; at += KIND_VALUES) {
      const of = this.#values.slice(at, at + KIND_VALUES);
      const kind = (at / KIND_VALUES) % KINDS;
      const [requests = 0, sectors = 0, sum = 0, max = 0] = of;
      stats.requests[kind] = (stats.requests[kind] ?? 0) + requests;
      stats.sectors[kind] = (stats.sectors[kind] ?? 0) + sectors;
      stats.histogram(kind).merge(of.subarray(Field.BUCKETS), sum, max);
      stats.busyAtLeast(of[Field.BUSY] ?? 0);
    }
  }
}

function increase(values: Float64Array, at: number, by: number): void {
  values[at] = (values[at] ?? 0) + by;
}
