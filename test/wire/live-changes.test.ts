/** A disk that connections, timers and the control side use at once, while its queues change.
 *  rnull-series 32, 60, 62, 63. */

import { Command } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { CPUS } from '../config/words.ts';
import { type Controlled, serveControlled } from './controlled.ts';
import { requestBytes, WireClient } from './wire-client.ts';

const { READ, WRITE } = Command;
const LENGTHS = [512, 4096, 20_480, 100_352];
const DEPTH = 8;

/** Writes and reads back, several at a time, until `over` says so. @returns the rounds. */
async function load(path: string, region: number, over: () => boolean): Promise<number> {
  const client = await WireClient.simple(path);
  let round = 0;
  for (; round < 3 || !over(); round++) {
    const length = LENGTHS[round % LENGTHS.length] ?? 512;
    const byte = (at: number): number => (region * 31 + round * 7 + at) & 0xff;
    const all = Array.from({ length: DEPTH }, (_, at) => ({
      offset: region + at * length,
      length,
      cookie: BigInt(at),
    }));
    for (const [at, fields] of all.entries()) {
      client.send(requestBytes({ command: WRITE, ...fields }), Buffer.alloc(length, byte(at)));
    }
    for (const _ of all) expect((await client.reply()).error).toBe(0);
    client.send(...all.map((fields) => requestBytes({ command: READ, ...fields })));
    const seen = new Set<bigint>();
    for (const _ of all) {
      const { cookie, error, data } = await client.reply(length);
      expect(error).toBe(0);
      expect(data.equals(Buffer.alloc(length, byte(Number(cookie))))).toBe(true);
      seen.add(cookie);
    }
    expect(seen.size).toBe(DEPTH);
  }
  client.reset();
  return round;
}

/** Three clients at work while `change` goes on. */
async function under(served: Controlled, change: () => Promise<void>): Promise<number[]> {
  let over = false;
  const loads = [0, 1, 2].map((n) => load(served.path, n * 4 * 2 ** 20, () => over));
  const [rounds] = await Promise.all([
    Promise.all(loads),
    change().finally(() => {
      over = true;
    }),
  ]);
  return rounds;
}

const WORDS = ['size=16', 'memory_backed=1', 'poll_queues=2', 'hw_queue_depth=4'];

describe('under load', () => {
  test.each([
    ['irqmode=0', []],
    ['irqmode=1', ['shared_tag_bitmap=1']],
    ['irqmode=2', ['completion_nsec=200000']],
    ['irqmode=0', ['requeue=3,100,0,-1']],
    ['irqmode=2', ['mbps=200', 'max_sectors=16']],
  ])('the hardware queues change, and no request is lost (%s, %j)', async (mode, words) => {
    const served = await serveControlled(...WORDS, mode, ...words);
    const rounds = await under(served, async () => {
      for (let n = 0; n < 24; n++) {
        const [submit, poll] = [1 + ((n * 7) % CPUS), (n * 5) % 3];
        await served.set('nullb0', { submit_queues: submit, poll_queues: poll });
        expect((await served.stats('nullb0')).tags.queues).toBe(submit + poll);
      }
    });
    expect(Math.min(...rounds)).toBeGreaterThanOrEqual(3);
    expect((await served.stats('nullb0')).tags.inUse).toBe(0);
  });

  test('a change that fails twice keeps the old number, one that fails once does not', async () => {
    const served = await serveControlled(...WORDS, 'submit_queues=2', 'poll_queues=1');
    await under(served, async () => {
      const url = '/v1/devices/nullb0';
      for (let n = 0; n < 5; n++) {
        await served.set('nullb0', { init_hctx_fault_inject: '1,100,0,1', submit_queues: 3 });
        await served.set('nullb0', { init_hctx_fault_inject: '1,100,0,1', submit_queues: 2 });
        await served.set('nullb0', { init_hctx_fault_inject: '1,100,0,2' });
        const failed = await served.ask('PATCH', url, { json: { submit_queues: 4 } });
        expect(failed.json).toMatchObject({ errno: 'ENOMEM' });
        const read = await served.ask('GET', `${url}/attributes/submit_queues`);
        expect(read.text).toBe('2\n');
        expect((await served.stats('nullb0')).tags.queues).toBe(3);
      }
      for (const json of [{ submit_queues: 0 }, { submit_queues: CPUS + 1 }, { poll_queues: 3 }]) {
        const refused = await served.ask('PATCH', url, { json });
        expect(refused.json).toMatchObject({ errno: 'EINVAL' });
      }
    });
    expect((await served.stats('nullb0')).tags).toMatchObject({ queues: 3, inUse: 0 });
  });

  test('control, timers and connections use one disk at once', async () => {
    const served = await serveControlled(...WORDS, 'irqmode=2', 'completion_nsec=100000');
    const url = '/v1/devices/nullb0';
    const rounds = await under(served, async () => {
      for (let n = 0; n < 20; n++) {
        const [flushed, requests, badblocks, metrics] = await Promise.all([
          served.ask('POST', `${url}/flush`),
          served.ask('GET', `${url}/requests`),
          served.ask('PUT', `${url}/attributes/badblocks`, {
            body: `${n % 2 === 0 ? '+' : '-'}30000-30007`, // beside what the clients use
          }),
          served.ask('GET', '/metrics'),
        ]);
        const statuses = [flushed, requests, badblocks, metrics].map(({ status }) => status);
        expect(statuses).toEqual([204, 200, 204, 200]);
      }
    });
    expect(Math.min(...rounds)).toBeGreaterThanOrEqual(3);
  });
});
