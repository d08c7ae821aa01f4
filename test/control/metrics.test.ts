/** What `/metrics` says. control.md section 3; page.md section 3. */

import { expect, test } from 'vitest';
import { until } from '../until.ts';
import { counted, PIECES } from './counted.ts';
import { scraped } from './scraped.ts';
import { type Served, serve } from './served.ts';
import { loseRequests } from './world.ts';

const DEVICE = '/v1/devices/nullb0';

async function powered(attributes: Readonly<Record<string, number>> = {}): Promise<Served> {
  const it = await serve();
  const made = await it.ask('PUT', DEVICE, { json: { ...attributes, power: 1 } });
  expect(made.status).toBe(201);
  return it;
}

/** Four zones of 2048 sectors, the first of them conventional. */
const zoned = () =>
  powered({ zoned: 1, size: 4, zone_size: 1, zone_nr_conv: 1, zone_max_open: 2, memory_backed: 1 });

const text = async ({ ask }: Served): Promise<string> => (await ask('GET', '/metrics')).text;
const scrape = async (it: Served) => scraped(await text(it));

test('they are Prometheus text, read when asked for', async () => {
  const it = await zoned();
  it.device('off');
  await it.patch({ badblocks: '+9-9' });
  for (let n = 0; n < 5; n++) expect(it.io('write', 4096 + 8 * n, 8)).toBe('OK');
  expect(it.io('read', 8, 8)).toBe('EIO');
  expect(it.io('write', 4096, 8)).toBe('EIO');
  await it.ask('PUT', `${DEVICE}/snapshots/one`);
  const { status, headers, text: all } = await it.ask('GET', '/metrics');
  expect(status).toBe(200);
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  const lines = all.split('\n');
  for (const line of [
    `tnull_build_info{version="1.2.3",node="${process.versions.node}"} 1`,
    'tnull_threads 1',
    'tnull_clients{device="nullb0"} 0',
    '# TYPE tnull_client_faults_total counter',
    'tnull_client_faults_total{fault="pipelined-option"} 3',
    'tnull_server_faults_total{fault="socket"} 1',
    'tnull_connections_refused_total{reason="max-connections"} 2',
    'tnull_received_bytes_total 100',
    'tnull_sent_bytes_total 200',
    'tnull_memory_limit_bytes +Inf',
    'tnull_device_powered{device="nullb0"} 1',
    'tnull_device_powered{device="off"} 0',
    'tnull_requests_total{device="nullb0",operation="write"} 6',
    'tnull_requests_total{device="off",operation="write"} 0',
    'tnull_bytes_total{device="nullb0",operation="write"} 20480',
    'tnull_request_duration_seconds_count{device="nullb0",operation="write"} 6',
    'tnull_refusals_total{device="nullb0",cause="badblocks"} 1',
    'tnull_refusals_total{device="nullb0",cause="zones"} 1',
    'tnull_refusals_total{device="nullb0",cause="range"} 0',
    'tnull_memory_held_bytes{device="nullb0"} 20480',
    'tnull_zones{device="nullb0",condition="not-wp"} 1',
    'tnull_zones{device="nullb0",condition="implicit-open"} 1',
    'tnull_zones{device="nullb0",condition="empty"} 2',
    'tnull_zones_open_max{device="nullb0"} 2',
    'tnull_tags{device="nullb0"} 64',
    'tnull_tags_in_use{device="nullb0"} 0',
    'tnull_io_now{device="nullb0"} 0',
    'tnull_bad_block_ranges{device="nullb0"} 1',
    'tnull_snapshots{device="nullb0"} 1',
  ]) {
    expect(lines).toContain(line);
  }
  for (const absent of [
    'cache_size_bytes{',
    'zones_active_max{',
    'journal_bytes{',
    'errors_total{',
  ]) {
    expect(all).not.toContain(`tnull_${absent}`);
  }
});

test('a rule that refuses counts as that, any other failure as an error: together all failures', async () => {
  const it = await zoned();
  await it.patch({ badblocks: '+9-9' });
  it.io('read', 8, 8);
  it.io('read', 0, 8);
  it.io('write', 4099, 8);
  for (const rule of [
    'op=read sectors=100-100 error=EIO',
    'op=read sectors=200-200 error=ENOSPC apply=all',
  ]) {
    const json = Object.fromEntries(rule.split(' ').map((word) => word.split('=')));
    expect((await it.ask('POST', `${DEVICE}/faults/rules`, { json })).status).toBe(201);
  }
  const ends = [it.io('read', 100, 1), it.io('read', 200, 1), it.io('read', 300, 1)];
  expect(ends).toEqual(['EIO', 'ENOSPC', 'OK']);
  const all = await scrape(it);
  expect(all.sum('tnull_refusals_total', { cause: 'badblocks' })).toBe(1);
  expect(all.sum('tnull_refusals_total', { cause: 'zones' })).toBe(1);
  expect(all.sum('tnull_errors_total', { operation: 'read', errno: 'EIO' })).toBe(1);
  expect(all.sum('tnull_errors_total', { operation: 'read', errno: 'ENOSPC' })).toBe(1);
  expect(all.sum('tnull_errors_total') + all.sum('tnull_refusals_total')).toBe(4);
  // A command that a rule answered by itself is a request, too.
  expect(all.sum('tnull_requests_total', { operation: 'read' })).toBe(5);
  expect(all.sum('tnull_request_duration_seconds_count', { operation: 'read' })).toBe(5);
});

test('times are seconds: a histogram by powers of two of a nanosecond, and diskstats', async () => {
  const it = await zoned();
  const empty = await scrape(it);
  expect(empty.sum('tnull_request_duration_seconds_bucket')).toBe(0);
  loseRequests(it.device(), 1);
  const lost = it.ask('POST', `${DEVICE}/zones/open?sector=2048`);
  await until(() => it.tree.requests('nullb0').length > 0);
  const before = await scrape(it);
  expect(before.sum('tnull_io_now')).toBe(1);
  it.pass(7);
  expect((await lost).status).toBe(422);
  const { samples, sum } = await scrape(it);
  expect(sum('tnull_io_now')).toBe(0);
  const series = 'tnull_request_duration_seconds';
  const buckets = [...samples].filter(([name]) => name.startsWith(`${series}_bucket`));
  const ends = buckets.map(([name]) =>
    Number(/le="(.*)"/.exec(name)?.[1]?.replace('+Inf', 'Infinity')),
  );
  expect(ends).toEqual([...Array.from({ length: 27 }, (_, n) => 2 ** (n + 10) / 1e9), Infinity]);
  // It was lost for 5 s.
  expect(buckets.map(([, count]) => count)).toEqual(ends.map((end) => (end > 5 ? 1 : 0)));
  expect(sum(`${series}_sum`, { operation: 'zone' })).toBe(5);
  expect(sum(`${series}_count`, { operation: 'zone' })).toBe(1);
  expect(sum('tnull_io_time_weighted_seconds_total')).toBe(5);
  expect(sum('tnull_io_time_seconds_total')).toBe(5);
  expect(sum('tnull_errors_total', { operation: 'zone', errno: 'ETIMEDOUT' })).toBe(1);
});

test('many devices are scraped in slices, all of them once', async () => {
  const { slicer, count } = counted();
  const { ask, tree } = await serve({}, { slicer });
  for (let n = 0; n < 203; n++) await tree.create(`d${n}`, new Map());
  count.turns = 0;
  const { text: all } = await ask('GET', '/metrics');
  // Statistics of six devices are a piece, and each of 16 metrics that all devices have of two.
  expect(count.turns).toBeGreaterThan(((16 * 203) / 2 / PIECES) * 0.7);
  const { kinds, samples } = scraped(all);
  expect(samples.size).toBeGreaterThan(203 * 16);
  expect(
    [...samples.keys()].filter((name) => name.startsWith('tnull_device_powered{')),
  ).toHaveLength(203);
  // All samples of a metric stand together, behind its name and kind: `scraped` has checked it.
  expect(kinds.size).toBe(all.match(/^# HELP/gm)?.length);
});

test('a name with quotes, backslashes and line breaks is escaped', async () => {
  const it = await serve();
  await it.ask('PUT', '/v1/devices/a%22b%5C%0Ac', { json: {} });
  expect(await text(it)).toContain('tnull_device_powered{device="a\\"b\\\\\\nc"} 0\n');
});

test('the daemon itself is told of, under the usual names', async () => {
  const all = await text(await powered());
  expect(all).toMatch(/^process_cpu_seconds_total 0\.\d+$|^process_cpu_seconds_total \d/m);
  expect(Number(/^process_resident_memory_bytes (\d+)$/m.exec(all)?.[1])).toBeGreaterThan(1e7);
  expect(Number(/^process_start_time_seconds (\d+)$/m.exec(all)?.[1])).toBeGreaterThan(1.7e9);
});

test('what did not change is the same, and what is gone is gone', async () => {
  const it = await powered();
  const own = async (): Promise<string[]> =>
    (await text(it)).split('\n').filter((line) => !/^(process|nodejs)_/.test(line));
  expect(await own()).toEqual(await own());
  await it.ask('DELETE', DEVICE);
  expect(await text(it)).not.toContain('nullb0');
});
