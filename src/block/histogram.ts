/** How long requests took, counted in buckets that are at most 3 % wide. Recording is one addition, on
 *  the hot path: 4 ns, where Node's own histogram takes 18 and hdr-histogram-js 100 (measured on Node
 *  20), and batches record many at once. Its memory is made when there is something to count.
 *  Source: control.md section 3 (latency percentiles). */

import { orNone } from '../pages/memory.ts';

/** Buckets per octave: 1/32 is the greatest relative error. */
const PER_OCTAVE = 32;
const OCTAVE_BITS = 5;
/** Values up to 2^43 ns, two hours; longer ones count as that. */
const OCTAVES = 40;
const TWO_TO_31 = 2 ** 31;

export const HISTOGRAM_BUCKETS = OCTAVES * PER_OCTAVE;

const nothing = new Float64Array(0);

/** Without memory nothing is counted: statistics must not fail a request. */
function makeCounts(): Float64Array {
  return orNone(() => new Float64Array(HISTOGRAM_BUCKETS)) ?? nothing;
}

export class Histogram {
  #counts: Float64Array = nothing;
  #count = 0;
  #sum = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }
  get sum(): number {
    return this.#sum;
  }
  get max(): number {
    return this.#max;
  }
  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** `times` requests took `value` ns each. */
  record(value: number, times = 1): void {
    if (this.#counts.length === 0) this.#counts = makeCounts();
    const at = bucketOf(value);
    this.#counts[at] = (this.#counts[at] ?? 0) + times;
    this.#count += times;
    this.#sum += value * times;
    if (value > this.#max) this.#max = value;
  }

  /** Adds times that were counted elsewhere: counts by bucket (see `bucketOf`), and the sum and the greatest
   *  of all values in ns. */
  merge(counts: Float64Array, sum: number, max: number): void {
    if (counts.length === 0) return;
    if (this.#counts.length === 0) this.#counts = makeCounts();
    for (let at = 0; at < HISTOGRAM_BUCKETS; at++) {
      const times = counts[at] ?? 0;
      this.#counts[at] = (this.#counts[at] ?? 0) + times;
      this.#count += times;
    }
    this.#sum += sum;
    this.#max = Math.max(this.#max, max);
  }

  /** The same, of another histogram. */
  add(other: Histogram): void {
    this.merge(other.#counts, other.#sum, other.#max);
  }

  /** The buckets that hold something: the greatest value of each in ns, and how many. */
  buckets(): [end: number, count: number][] {
    const all: [number, number][] = [];
    for (const [at, count] of this.#counts.entries())
      if (count > 0) all.push([upperEndOf(at), count]);
    return all;
  }

  /** How many values are below 2^n ns, for each n of [first, last]: exactly, since a bucket begins there.
   *  @param first above 4. */
  below(first: number, last: number): Float64Array {
    const sums = new Float64Array(last - first + 1);
    let [sum, at] = [0, 0];
    for (let n = first; n <= last; n++) {
      for (const end = octaveBegin(n); at < end; at++) sum += this.#counts[at] ?? 0;
      sums[n - first] = sum;
    }
    return sums;
  }

  /** The value below or at which the share `p` (0..1) of all lies; 0 when there are none. */
  percentile(p: number): number {
    let left = Math.ceil(this.#count * p);
    if (left <= 0) return 0;
    for (let at = 0; at < this.#counts.length; at++) {
      left -= this.#counts[at] ?? 0;
      if (left <= 0) return Math.min(upperEndOf(at), this.#max);
    }
    return this.#max;
  }
}

/** Buckets 0..31 hold one value each; from there on each octave is cut into 32. */
export function bucketOf(value: number): number {
  if (value >= TWO_TO_31) {
    // Bit operators work on 32 bits; the high part has the leading digits in any case.
    const high = Math.min(Math.floor(value / 4096), TWO_TO_31 - 1);
    return bucketOf(high) + 12 * PER_OCTAVE;
  }
  const whole = value | 0;
  if (whole < PER_OCTAVE) return Math.max(whole, 0);
  const shift = 31 - Math.clz32(whole) - OCTAVE_BITS;
  return (shift + 1) * PER_OCTAVE + (whole >>> shift) - PER_OCTAVE;
}

/** The bucket that begins with 2^n. */
function octaveBegin(n: number): number {
  return (n - OCTAVE_BITS + 1) * PER_OCTAVE;
}

function upperEndOf(bucket: number): number {
  if (bucket < PER_OCTAVE) return bucket;
  const shift = Math.floor(bucket / PER_OCTAVE) - 1;
  const first = PER_OCTAVE + (bucket % PER_OCTAVE);
  return (first + 1) * 2 ** shift - 1;
}
