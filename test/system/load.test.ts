/** Clients of both Debians with many requests in flight, while the device changes or lacks what requests
 *  need: nothing hangs, no client is cut off, and each byte is as it was written. */

import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testRuns } from '../test-runs.ts';
import { describeEachDebian } from './debians.ts';
import { startTnull, type Tnull } from './tnull.ts';

/** So that each device has a name of its own. */
let devices = 0;
const verifier = readFileSync(new URL('verifier.py', import.meta.url), 'utf8');

interface Load {
  readonly connections: number;
  readonly operations: number;
  readonly depth: number;
  readonly longest: number;
  readonly region: number;
  readonly block: number;
}

/** The words of verifier.py. */
function words(seed: number, load: Load): string[] {
  const { connections, operations, depth, longest, region, block } = load;
  return [seed, connections, operations, depth, longest, region, block].map(String);
}

/** PUT of an attribute; a command would take as long as 50 of them. @returns the status. */
function put(control: string, path: string, text: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'text/plain' };
    const sent = request({ socketPath: control, path, method: 'PUT', headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    });
    sent.on('error', reject).end(text);
  });
}

describe.each([1, 2])('--threads %i', (threads) => {
  let tnull: Tnull;

  beforeAll(async () => {
    tnull = await startTnull(['--threads', String(threads), 'nr_devices=0', 'poll_queues=1']);
  });
  afterAll(async () => {
    expect(tnull.stderr()).not.toMatch(/ENOBUFS|"level":50/);
    expect(await tnull.stop()).toBe(0);
  });

  describeEachDebian(({ name, python }) => {
    async function made(...attributes: string[]): Promise<{ uri: string; device: string }> {
      const device = `${name.replace(' ', '')}-${devices++}`;
      await tnull.command('create', device, ...attributes, '--power-on');
      return { uri: tnull.uriOf(device), device };
    }

    test('the verifier sees bytes that are not kept', async () => {
      const { uri } = await made('size=64');
      const load = {
        connections: 1,
        operations: 100,
        depth: 4,
        longest: 4096,
        region: 1 << 20,
        block: 512,
      };
      await expect(python(verifier, uri, ...words(1, load))).rejects.toThrow(
        /byte \d+ is 0, not \d+/,
      );
    });

    test.each([
      ['blocks of 512', ['blocksize=512', 'discard=1'], 512, 256 << 10],
      ['single bytes', ['blocksize=4096'], 1, 20_000],
      [
        'few tags and a timer',
        ['hw_queue_depth=2', 'irqmode=2', 'max_sectors=9', 'no_sched=1'],
        512,
        64 << 10,
      ],
      ['a cache', ['cache_size=1', 'submit_queues=2', 'discard=1'], 512, 1 << 20],
    ])('four connections: %s', async (_, attributes, block, longest) => {
      const { uri } = await made('size=64', 'memory_backed=1', ...attributes);
      const shape = { connections: 4, depth: 32, longest, region: 4 << 20, block };
      const load = { ...shape, operations: testRuns(1500) };
      expect(await python(verifier, uri, ...words(threads, load))).toMatch(/^\d+ operations$/m);
    });

    test.each(['depth 1', 'depth 64'])('submit_queues changes all the time: %s', async (title) => {
      const queue = [`hw_queue_depth=${title.slice(6)}`, 'submit_queues=2', 'no_sched=1'];
      const slow = ['blocksize=4096', 'max_sectors=1024', 'mbps=60', 'size=256', 'memory_backed=1'];
      const { uri, device } = await made(...slow, ...queue);
      const load = {
        connections: 3,
        operations: 100,
        depth: 64,
        longest: 4 << 20,
        region: 16 << 20,
        block: 4096,
      };
      let ended = false;
      const verified = python(verifier, uri, ...words(threads, load)).finally(() => {
        ended = true;
      });
      let changes = 0;
      for (; !ended; changes++) {
        const path = `/v1/devices/${device}/attributes/submit_queues`;
        expect(await put(tnull.control, path, String(1 + (changes % 2)))).toBeLessThan(300);
      }
      expect(await verified).toMatch(/^\d+ operations$/m);
      expect(changes).toBeGreaterThan(3);
      await tnull.command('remove', device);
    });

    test('reads in parts, with few tags, of a queue that is polled and may block', async () => {
      const reads = testRuns(2000);
      const { uri } = await made(
        ...['blocking=1', 'poll_queues=1', 'size=32', 'max_sectors=9', 'blocksize=1024'],
        ...['hw_queue_depth=2', 'no_sched=1', 'irqmode=2', 'completion_nsec=1000'],
      );
      const script = `
import nbd, random, sys, time
h = nbd.NBD(); h.connect_uri(sys.argv[1])
length, depth, reads = 128 << 10, 8, ${reads}
done = [0]; sent = 0; buffers = [nbd.Buffer(length) for _ in range(depth)]; last = time.time()
def finished(error):
    assert not error
    done[0] += 1
    return 1
while done[0] < reads:
    while sent - done[0] < depth and sent < reads:
        h.aio_pread(buffers[sent % depth], 4096 * random.randrange(1000), finished); sent += 1
    before = done[0]
    h.poll(1000)
    if done[0] != before: last = time.time()
    assert time.time() - last < 60, 'hangs behind %d reads' % before
print(done[0])`;
      expect((await python(script, uri)).trim()).toBe(String(reads));
    });
  });
});
