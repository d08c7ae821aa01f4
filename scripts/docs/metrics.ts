/** docs/metrics.md: every metric, and what the values of its labels mean. */

import { refusalCauses } from '../../src/block/refusals.ts';
import { daemonMetrics } from '../../src/control/daemon-metrics.ts';
import { deviceMetrics } from '../../src/control/device-metrics.ts';
import type { Metric } from '../../src/control/prometheus.ts';
import { connectionRefusals } from '../../src/server/refused-connections.ts';
import { serverFaults } from '../../src/server/server-faults.ts';

const INTRODUCTION = `# Metrics

<!-- Made from src/control/device-metrics.ts and src/control/daemon-metrics.ts by \`npm run docs\`; do not edit. -->

\`GET /metrics\` of the [control API](control.md) is Prometheus text. The statistics are read when they are asked for.
Prometheus reaches the API over TCP (\`--http\`); with \`--http-token-file\` it needs \`authorization: { credentials_file:
FILE }\`.

\`\`\`yaml
scrape_configs:
  - job_name: tnull
    static_configs: [{ targets: ['127.0.0.1:8080'] }]
\`\`\`

- [packaging/prometheus/alerts.yml](../packaging/prometheus/alerts.yml) has alerts: \`rule_files: [alerts.yml]\`.
- [packaging/grafana/tnull.json](../packaging/grafana/tnull.json) is a dashboard for Grafana 10 and newer: Dashboards, New,
  Import.

Counters of a device begin at 0 when its power goes on. A metric without a sample has nothing to say: a device without
zones has no \`tnull_zones\`.

- **Requests** are what the device gets. A command of a client is one request, or several if \`max_sectors\`, zones or
  parts of blocks cut it. A command that a fault rule answers by itself is one request, too.
- **Errors and refusals** add up: a request that failed is counted in \`tnull_errors_total\`, or in
  \`tnull_refusals_total\` if a rule of the device forbade it. A command that never became a request because the server
  refused it counts there, too. If no command is cut, both together are the errors that clients have seen; errors that
  a [wire rule](wire-faults.md) makes up are counted only in \`tnull_faults_struck_total\`.
- **Durations** are a histogram: \`histogram_quantile(0.99, sum by (le) (rate(tnull_request_duration_seconds_bucket[5m])))\`.
  The ends of its buckets are powers of two of a nanosecond, from 1 us to 69 s, and the counts are exact. A duration
  that is exactly an end counts in the next bucket. An operation without a request has no samples.
- **\`tnull_io_...\`** are those of \`/proc/diskstats\`. With \`--threads\` the time of \`tnull_io_time_seconds_total\` is
  that of the busiest thread.
- **Bytes received and sent** are those of the NBD protocol, inside TLS.`;

function table(metrics: readonly Metric[], others: readonly string[]): string[] {
  return [
    '| metric | kind | labels | meaning |',
    '| --- | --- | --- | --- |',
    ...metrics.map(({ name, kind, labels = [], help }) => {
      const all = [...others, ...labels].map((label) => `\`${label}\``).join(', ');
      return `| \`${name}\` | ${kind} | ${all} | ${help} |`;
    }),
  ];
}

function values(label: string, meanings: Readonly<Record<string, string>>): string[] {
  return [
    `| ${label} | meaning |`,
    '| --- | --- |',
    ...Object.entries(meanings).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`),
  ];
}

/** The whole file. */
export function metricsMarkdown(): string {
  const lines = [
    ...[INTRODUCTION, '', '## Of each device', '', ...table(deviceMetrics, ['device'])],
    ...['', 'Causes of refusals:', '', ...values('cause', refusalCauses)],
    ...['', '## Of the daemon', '', ...table(daemonMetrics, [])],
    ...['', 'Why clients are turned away:', '', ...values('reason', connectionRefusals)],
    ...['', 'Ends of connections that no client caused (all should stay at 0):', ''],
    ...values('fault', serverFaults),
    ...['', '`tnull_client_faults_total` has the faults of [client-faults.md](client-faults.md).'],
  ];
  return `${lines.join('\n')}\n`;
}
