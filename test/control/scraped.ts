/** The text of `/metrics` read as Prometheus reads it: every line must be right, and every sample be of a metric
 *  that was announced. */

export interface Scraped {
  /** By the name of the metric. */
  readonly kinds: ReadonlyMap<string, string>;
  /** By name and labels, as they stand there. */
  readonly samples: ReadonlyMap<string, number>;
  /** The sum of all samples of a metric that have these labels, among others. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

const SAMPLE = /^(?<series>(?<name>[a-z_]+)(?:\{(?<labels>.*)\})?) (?<value>[-+.0-9eInf]+)$/;

export function scraped(text: string): Scraped {
  const kinds = new Map<string, string>();
  const samples = new Map<string, number>();
  let current = '';
  for (const line of text.split('\n').slice(0, -1)) {
    const [, name = '', kind = ''] =
      /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (kind !== '') {
      if (kinds.has(name)) throw new Error(`twice: ${name}`);
      kinds.set(name, kind);
      current = name;
      continue;
    }
    if (/^# HELP [a-z_]+ .*[^.]$/.test(line)) continue;
    const { series = '', name: of = '', value = '' } = SAMPLE.exec(line)?.groups ?? {};
    const suffix = kinds.get(current) === 'histogram' ? /^_(bucket|sum|count)$/ : /^$/;
    if (!of.startsWith(current) || !suffix.test(of.slice(current.length))) {
      throw new Error(`not a sample of '${current}': ${line}`);
    }
    if (samples.has(series)) throw new Error(`twice: ${series}`);
    samples.set(series, value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value));
  }
  return {
    kinds,
    samples,
    sum(name, labels = {}) {
      const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
      let sum = 0;
      for (const [series, value] of samples) {
        const [own = '', rest = ''] = series.split('{');
        const there = rest.slice(0, -1).split(',');
        if (own === name && wanted.every((one) => there.includes(one))) sum += value;
      }
      return sum;
    },
  };
}
