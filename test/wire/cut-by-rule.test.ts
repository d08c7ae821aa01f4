/** Power cuts and snapshots that rules order, at the command that they name. Source: crash.md section 4. */

import { Command } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { until } from '../until.ts';
import { type Controlled, serveControlled } from './controlled.ts';
import { requestBytes, WireClient } from './wire-client.ts';

const { WRITE } = Command;
const BLOCK = 4096;
const WORDS = ['size=4', 'memory_backed=1', 'bs=4096'];

async function ruled(threads: number, rule: object): Promise<Controlled> {
  const it = await serveControlled({ threads }, ...WORDS);
  const added = await it.ask('POST', '/v1/devices/nullb0/faults/rules', { json: rule });
  expect(added).toMatchObject({ status: 201 });
  return it;
}

/** Writes `byte` to so many blocks, without looking for replies. */
function write(client: WireClient, byte: number, count = 1): void {
  const length = count * BLOCK;
  client.send(requestBytes({ command: WRITE, offset: 0, length }), Buffer.alloc(length, byte));
}

/** The first byte of each of the first blocks, once the device is there again. */
async function leftBy(it: Controlled, count: number): Promise<number[]> {
  await until(() => it.log.some(({ msg }) => msg.includes('power was cut by a rule')));
  await until(async () => {
    const { text } = await it.ask('GET', '/v1/devices/nullb0/attributes/power');
    return text === '1\n';
  });
  const client = await WireClient.simple(it.path);
  const data = await client.readData(0, count * BLOCK);
  client.reset();
  return Array.from({ length: count }, (_, at) => data[at * BLOCK] ?? -1);
}

describe.each([1, 2])('with %i threads', (threads) => {
  test.each([
    ['before', [1]],
    ['after', [2]],
  ])('the second write is the last one: the cut is %s it', async (at, left) => {
    const it = await ruled(threads, { op: 'write', nth: 2, cut: 'none', at });
    const client = await WireClient.simple(it.path);
    write(client, 1);
    expect((await client.reply()).error).toBe(0);
    write(client, 2);
    expect(await client.end()).toHaveLength(0);
    expect(await leftBy(it, 1)).toEqual(left);
  });

  test('of a torn write some blocks are there, and no reply', async () => {
    // biome-ignore lint/suspicious/noThenProperty: a word of the specification
    const it = await ruled(threads, { op: 'write', torn: 'blocks:0,2', then: 'cut' });
    const client = await WireClient.simple(it.path);
    write(client, 3, 4);
    expect(await client.end()).toHaveLength(0);
    expect(await leftBy(it, 4)).toEqual([3, 0, 3, 0]);
  });

  test('a snapshot is as it was before the command, each under a name of its own', async () => {
    const it = await ruled(threads, { op: 'write', skip: 1, times: 2, snapshot: 'then' });
    const client = await WireClient.simple(it.path);
    for (const byte of [1, 2, 3, 4]) {
      write(client, byte);
      expect((await client.reply()).error).toBe(0);
    }
    for (const [name, byte] of [
      ['then', 1],
      ['then.2', 2],
    ] as const) {
      const { status } = await it.ask('POST', `/v1/devices/nullb0/snapshots/${name}/rollback`);
      expect(status).toBe(204);
      expect((await client.readData(0, 8)).equals(Buffer.alloc(8, byte))).toBe(true);
    }
    client.reset();
  });
});
