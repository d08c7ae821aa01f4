/** The daemon and its devices for Prometheus. The counts are read on demand, and nothing is counted here:
 *  without a scrape it costs nothing. It works in slices.
 *  Source: control.md section 3 (GET /metrics), page.md section 3; Prometheus text format 0.0.4. */

import type { DeviceCounts } from '../driver/device-counts.ts';
import { type DaemonFacts, daemonMetrics } from './daemon-metrics.ts';
import { deviceMetrics } from './device-metrics.ts';
import { limits } from './limits.ts';
import { head, line } from './prometheus.ts';
import { joined } from './slices.ts';

type Named = readonly [device: string, counts: DeviceCounts];

/** The data that metrics are made of. */
export interface MetricsSources extends DaemonFacts {
  readonly allCounts: () => Iterable<Named>;
}

/** Every metric with its samples, in pieces. */
export function* metricsPieces(sources: MetricsSources): Generator<string> {
  for (const metric of daemonMetrics) {
    yield head(metric);
    const lines = metric.samples(sources);
    yield* joined(lines, limits.linesPerPiece.max, (sample) => line(metric.name, sample));
  }
  // Once for all metrics, so that they agree.
  const scraped: Named[] = [];
  for (const one of sources.allCounts()) {
    scraped.push(one);
    if (scraped.length % limits.statsPerPiece.max === 0) yield '';
  }
  for (const metric of deviceMetrics) {
    yield head(metric);
    const texts = function* (): Generator<string> {
      for (const [device, counts] of scraped) {
        for (const samples of metric.samples(counts)) {
          yield samples
            .map(([labels, ...value]) => line(metric.name, [{ device, ...labels }, ...value]))
            .join('');
        }
      }
    };
    const perPiece = metric.kind === 'histogram' ? 1 : limits.samplesPerPiece.max;
    yield* joined(texts(), perPiece, (text) => text);
  }
}
