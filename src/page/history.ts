/** What a device did lately: a column for each look, the oldest falls out. Knows no document. */

import type { LatenciesAnswer } from '../client/made/answers.ts';
import type { Rates } from './rates.ts';

/** Columns that are kept: five minutes, one each second. */
export const COLUMNS = 300;

/** The lowest bucket of the heatmap: 2^10 ns are a microsecond, and 2^34 are 17 s. */
export const FIRST_OCTAVE = 10;
export const OCTAVES = 25;

/** Seconds that are shown: the shortest of these that holds all columns there are, so that a page that was just opened
 *  shows its few seconds wide, and the picture seldom changes its scale. */
const SPANS = [60, 120, COLUMNS] as const;

export class History {
  /** Seconds, as uPlot takes them. */
  readonly times: number[] = [];
  readonly rates: Rates[] = [];
  /** By column, then by octave: how many requests ended in that time. */
  readonly heat: Uint32Array[] = [];
  #before: LatenciesAnswer | undefined;

  /** How many seconds a picture of it spans. */
  get span(): number {
    return SPANS.find((one) => this.times.length <= one) ?? COLUMNS;
  }

  /** @param seconds when it was. */
  add(seconds: number, rates: Rates, latencies: LatenciesAnswer): void {
    this.times.push(seconds);
    this.rates.push(rates);
    this.heat.push(octavesBetween(this.#before, latencies));
    this.#before = latencies;
    if (this.times.length <= COLUMNS) return;
    for (const list of [this.times, this.rates, this.heat]) list.shift();
  }
}

/** How many requests of all operations took how long, between two looks. Counters that began anew count from
 *  zero. */
export function octavesBetween(
  before: LatenciesAnswer | undefined,
  now: LatenciesAnswer,
): Uint32Array {
  const found = new Uint32Array(OCTAVES);
  if (before === undefined) return found;
  for (const [name, buckets] of Object.entries(now)) {
    const earlier = new Map(entriesOf(before, name));
    const isAnew = buckets.some(([end, count]) => (earlier.get(Number(end)) ?? 0) > Number(count));
    for (const [end, count] of entriesOf(now, name)) {
      const added = count - (isAnew ? 0 : (earlier.get(end) ?? 0));
      found[octaveOf(end)] = (found[octaveOf(end)] ?? 0) + added;
    }
  }
  return found;
}

function entriesOf(answer: LatenciesAnswer, name: string): [number, number][] {
  const [, buckets] = Object.entries(answer).find(([one]) => one === name) ?? [];
  return (buckets ?? []).map(([end = 0, count = 0]) => [end, count]);
}

/** @param endNs where a bucket ends: a power of two is the end of the octave below it. */
function octaveOf(endNs: number): number {
  const octave = Math.ceil(Math.log2(Math.max(1, endNs))) - 1;
  return Math.min(OCTAVES - 1, Math.max(0, octave - FIRST_OCTAVE));
}
