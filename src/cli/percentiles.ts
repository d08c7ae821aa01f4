/** Percentiles of what was done between two looks: the difference of their buckets. */

/** Ends of buckets in ns, and how many requests fell into each bucket. */
export type Buckets = readonly (readonly [endNs: number, count: number])[];

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** @param max the longest since power on: a bucket's end may be greater. */
export function percentilesSince(now: Buckets, before: Buckets, max: number): Percentiles {
  const old = new Map(before);
  const isAnew = now.length === 0 || before.some(([end, count]) => count > countAt(now, end));
  const since = isAnew
    ? now
    : now.map(([end, count]) => [end, count - (old.get(end) ?? 0)] as const);
  const total = since.reduce((sum, [, count]) => sum + count, 0);
  const at = (share: number): number => {
    let left = Math.ceil(total * share);
    for (const [end, count] of since) {
      left -= count;
      if (left <= 0 && count > 0) return Math.min(end, max);
    }
    return 0;
  };
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

function countAt(buckets: Buckets, end: number): number {
  return buckets.find(([one]) => one === end)?.[1] ?? 0;
}
