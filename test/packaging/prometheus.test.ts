/** The dashboard for Grafana and the alerts for Prometheus: each metric and each label that they name is there.
 *  What promtool says of them: test/system/metrics.test.ts. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { daemonMetrics } from '../../src/control/daemon-metrics.ts';
import { deviceMetrics } from '../../src/control/device-metrics.ts';
import { scraped } from '../control/scraped.ts';
import { serveControlled } from '../wire/controlled.ts';

const root = new URL('../../', import.meta.url);
const dashboard = readFileSync(new URL('packaging/grafana/tnull.json', root), 'utf8');
const alerts = readFileSync(new URL('packaging/prometheus/alerts.yml', root), 'utf8');

const OURS = /\b(?:tnull|process|nodejs)_[a-z_]+/g;

/** What they ask for; a histogram's parts are the histogram. */
function named(text: string): Set<string> {
  const names = text.match(OURS) ?? [];
  return new Set(names.map((name) => name.replace(/_seconds_(bucket|sum|count)$/, '_seconds')));
}

test.each([
  ['the dashboard', dashboard],
  ['the alerts', alerts],
])('a running daemon has each metric that %s names', async (_, text) => {
  const { ask } = await serveControlled('memory_backed=1');
  const { kinds } = scraped((await ask('GET', '/metrics')).text);
  const names = [...named(text)];
  expect(names.length).toBeGreaterThan(5);
  expect(names.filter((name) => !kinds.has(name))).toEqual([]);
});

test('the dashboard shows every metric of ours', () => {
  const all = [...daemonMetrics, ...deviceMetrics].map(({ name }) => name);
  const shown = named(dashboard);
  const missing = all.filter((name) => name.startsWith('tnull_') && !shown.has(name));
  expect(missing).toEqual([]);
});

test('each label that stands behind `by` or in a selector is one of that metric', () => {
  const labels = new Map<string, readonly string[]>();
  const common = ['job', 'instance', 'le'];
  for (const { name, labels: own = [] } of daemonMetrics) labels.set(name, [...common, ...own]);
  for (const { name, labels: own = [] } of deviceMetrics) {
    labels.set(name, [...common, 'device', ...own]);
  }
  const text = dashboard.replaceAll('\\"', '"') + alerts;
  const wrong: string[] = [];
  const check = (metric = '', given = ''): void => {
    const name = metric.replace(/_seconds_(bucket|sum|count)$/, '_seconds');
    for (const label of given.match(/\w+/g) ?? []) {
      if (labels.get(name)?.includes(label) !== true) wrong.push(`${metric}: ${label}`);
    }
  };
  let looked = 0;
  for (const [, metric, selector = ''] of text.matchAll(/(tnull_[a-z_]+)\{([^}]*)\}/g)) {
    looked++;
    check(metric, selector.replace(/=~?"[^"]*"/g, ''));
  }
  const BY = /by \(([a-z, ]+)\)\s*\(?(?:rate|increase)\((tnull_[a-z_]+)/g;
  for (const [, given, metric] of text.matchAll(BY)) {
    looked++;
    check(metric, given);
  }
  expect(looked).toBeGreaterThan(30);
  expect(wrong).toEqual([]);
});
