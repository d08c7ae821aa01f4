/** `/metrics` as Prometheus's own tool sees it, and under real load: libnbd counts what it sent and which errors
 *  it got, and the metrics say the same. Source: docs/metrics.md. */

import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { type Scraped, scraped } from '../control/scraped.ts';
import { describeEachDebian } from './debians.ts';
import { call } from './programs.ts';
import { startTnull, type Tnull } from './tnull.ts';

const rules = new URL('../../packaging/prometheus/alerts.yml', import.meta.url).pathname;

function metrics({ control }: Tnull): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: control, path: '/metrics' }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve(text));
    });
    sent.on('error', reject).end();
  });
}

test('promtool finds nothing wrong with the metrics or the alerts', async () => {
  const tnull = await startTnull(['memory_backed=1', 'cache_size=4', 'nr_devices=2']);
  await tnull.command('faults', 'nullb0', 'add', 'op=read', 'error=EIO');
  await tnull.command('create', 'zoned', 'zoned=1', 'size=64', 'zone_size=1', '--power-on');
  const text = await metrics(tnull);
  expect(call('promtool', ['check', 'metrics'], { input: text })).toMatchObject({
    status: 0,
    stdout: '',
    stderr: '',
  });
  // A mistake would be found.
  expect(call('promtool', ['check', 'metrics'], { input: `${text}x{ 1\n` }).status).not.toBe(0);
  const { status, stdout } = call('promtool', ['check', 'rules', rules]);
  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: expect.stringMatching(/SUCCESS: \d+ rules found/),
  });
  expect(await tnull.stop()).toBe(0);
});

/** Sends reads and writes of 4 KiB, some behind the end, 32 at a time, and says what became of them. */
const CLIENT = `
import json, nbd, random, sys
uri, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
random.seed(seed)
h = nbd.NBD()
h.set_strict_mode(0)
h.connect_uri(uri)
size = h.get_size()
said = {"read": 0, "write": 0, "behind": 0, "errors": 0}
def done(error):
    said["errors"] += error.value != 0
    return 1
for n in range(count):
    while h.aio_in_flight() >= 32:
        h.poll(-1)
    behind = random.random() < 0.05
    offset = size if behind else random.randrange(size // 4096) * 4096
    kind = "behind" if behind else random.choice(["read", "write"])
    said[kind] += 1
    if random.random() < 0.5 if behind else kind == "read":
        h.aio_pread(nbd.Buffer(4096), offset, done)
    else:
        h.aio_pwrite(nbd.Buffer.from_bytearray(bytearray(4096)), offset, done)
while h.aio_in_flight() > 0:
    h.poll(-1)
h.shutdown()
print(json.dumps(said))
`;

interface ClientSaid {
  readonly read: number;
  readonly write: number;
  readonly behind: number;
  readonly errors: number;
}

function expectSums(all: Scraped, said: ClientSaid, device: string): void {
  const of = (name: string, labels = {}): number => all.sum(name, { device, ...labels });
  const counts = ['read', 'write'].map((operation) => {
    return of('tnull_request_duration_seconds_count', { operation });
  });
  expect(counts).toEqual([said.read, said.write]);
  const whole = ['read', 'write'].map((operation) => {
    return of('tnull_request_duration_seconds_bucket', { operation, le: '+Inf' });
  });
  expect(whole).toEqual(counts);
  expect(of('tnull_requests_total')).toBe(said.read + said.write);
  expect(of('tnull_refusals_total', { cause: 'range' })).toBe(said.behind);
  expect(of('tnull_errors_total') + of('tnull_refusals_total')).toBe(said.errors);
  expect(of('tnull_io_now')).toBe(0);
}

describe.each([1, 2])('--threads %i', (threads) => {
  describeEachDebian(({ python }) => {
    test('counts are what a client has sent, and errors and refusals what it got', async () => {
      const tnull = await startTnull(['--threads', String(threads), 'nr_devices=0']);
      const run = async (device: string): Promise<ClientSaid> => {
        return JSON.parse(await python(CLIENT, tnull.uriOf(device), '7', '4000'));
      };
      // Its requests are executed in the threads, if there are some.
      await tnull.command('create', 'plain', 'memory_backed=1', 'size=64', '--power-on');
      const plain = await run('plain');
      expect(plain.errors).toBe(plain.behind);
      expectSums(scraped(await metrics(tnull)), plain, 'plain');
      await tnull.command(
        'create',
        'bad',
        'memory_backed=1',
        'size=64',
        'badblocks=+0-9999',
        '--power-on',
      );
      await tnull.command('faults', 'bad', 'add', 'op=read', 'nth=10', 'error=EIO');
      await tnull.command(
        'faults',
        'bad',
        'add',
        'op=write',
        'nth=10',
        'error=ENOSPC',
        'apply=all',
      );
      const bad = await run('bad');
      const all = scraped(await metrics(tnull));
      expectSums(all, bad, 'bad');
      expect(
        all.sum('tnull_refusals_total', { device: 'bad', cause: 'badblocks' }),
      ).toBeGreaterThan(0);
      expect(all.sum('tnull_errors_total', { operation: 'read', errno: 'EIO' })).toBeGreaterThan(0);
      expect(
        all.sum('tnull_errors_total', { operation: 'write', errno: 'ENOSPC' }),
      ).toBeGreaterThan(0);
      const [received, sent] = ['tnull_received_bytes_total', 'tnull_sent_bytes_total'];
      expect(all.sum(received)).toBeGreaterThan(4096 * (plain.write + bad.write));
      expect(all.sum(sent)).toBeGreaterThan(4096 * (plain.read + bad.read) * 0.8);
      expect(await tnull.stop()).toBe(0);
    });
  });
});
