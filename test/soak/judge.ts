/** Whether a soak left something behind: compares the state after a whole round with the last one. */

/** What a daemon has with all devices removed and nobody connected. */
export interface Left {
  /** MiB. */
  readonly rss: number;
  readonly handles: number;
}

/** What a heap that was used may keep beyond that, in MiB. */
const RSS_TOLERANCE = 64;

export const MEMORY_KEPT = 'memory was kept';

/** @param left after the warm-up, then after each round. The warm-up is too short to have seen all that a
 *  round does: pools and heaps grow to their size in the first whole one. */
export function judge(left: readonly Left[]): string | undefined {
  const [warm, whole] = left;
  const last = left.at(-1);
  if (warm === undefined || whole === undefined || last === undefined) return 'no whole round';
  if (last.handles > Math.max(warm.handles, whole.handles)) return 'handles were kept';
  return last.rss > Math.max(warm.rss, whole.rss) + RSS_TOLERANCE ? MEMORY_KEPT : undefined;
}
