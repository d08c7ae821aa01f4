/** The text of a metric. Knows none. Source: Prometheus text format 0.0.4. */

export type Labels = Readonly<Record<string, string>>;
export type MetricKind = 'counter' | 'gauge';

/** Before the samples of a metric. */
export function head(name: string, help: string, kind: MetricKind): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`;
}

/** Our own names and causes have nothing to escape; a device's name may. */
function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (one) => (one === '\n' ? '\\n' : `\\${one}`));
}

export function labelled(labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
  return `{${pairs.join(',')}}`;
}

/** A number as the format has it: `+Inf` where there is no limit. */
export function sample(value: number): string {
  return value === Number.POSITIVE_INFINITY ? '+Inf' : String(value);
}
