/** The text of a metric. Knows none. Source: Prometheus text format 0.0.4. */

export type Labels = Readonly<Record<string, string>>;
export type MetricKind = 'counter' | 'gauge' | 'histogram';

/** A value, what it is of, and for a histogram what it is: `_bucket`, `_sum` or `_count`. */
export type Sample = readonly [labels: Labels, value: number, suffix?: string];

export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly kind: MetricKind;
  /** Of its samples, beside that of the device; none if left out. */
  readonly labels?: readonly string[];
}

/** Before the samples of a metric. */
export function head({ name, help, kind }: Metric): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`;
}

/** Our own names and causes have nothing to escape; a device's name may. */
function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (one) => (one === '\n' ? '\\n' : `\\${one}`));
}

function labelled(labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** A number as the format has it: `+Inf` where there is no limit. */
function numberText(value: number): string {
  return value === Number.POSITIVE_INFINITY ? '+Inf' : String(value);
}

/** One line. */
export function line(name: string, [labels, value, suffix = '']: Sample): string {
  return `${name}${suffix}${labelled(labels)} ${numberText(value)}\n`;
}

/** The samples of one histogram.
 *  @param ends of its buckets, ascending. @param sums how many values are not above each of them.
 *  @param count of all, and their `sum`. */
export function histogram(
  labels: Labels,
  ends: readonly string[],
  sums: Float64Array,
  count: number,
  sum: number,
): Sample[] {
  return [
    ...ends.map((le, at): Sample => [{ ...labels, le }, sums[at] ?? 0, '_bucket']),
    [{ ...labels, le: '+Inf' }, count, '_bucket'],
    [labels, sum, '_sum'],
    [labels, count, '_count'],
  ];
}
