/** Power cuts of devices that clients use. Source: crash.md section 4. */

import { Command, CommandFlag } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { until } from '../until.ts';
import { type Controlled, serveControlled } from './controlled.ts';
import { requestBytes, WireClient } from './wire-client.ts';

const { WRITE, FLUSH } = Command;
const BLOCK = 4096;
const CACHED = ['size=4', 'memory_backed=1', 'bs=4096', 'cache_size=1'];

interface Cut {
  readonly image: string;
  readonly kept: number;
  readonly lost: number;
  readonly power: number;
}

async function cut({ ask }: Controlled, query = ''): Promise<Cut> {
  const { status, text } = await ask('POST', `/v1/devices/nullb0/cut${query}`);
  if (status !== 200) throw new Error(text);
  return JSON.parse(text);
}

/** Sixteen blocks that are on the disk as 1, and in the cache as 2. */
async function begun(it: Controlled): Promise<WireClient> {
  const client = await WireClient.simple(it.path);
  const write = { command: WRITE, offset: 0, length: 16 * BLOCK };
  expect((await client.request(write, Buffer.alloc(16 * BLOCK, 1))).error).toBe(0);
  expect((await client.request({ command: FLUSH })).error).toBe(0);
  expect((await client.request(write, Buffer.alloc(16 * BLOCK, 2))).error).toBe(0);
  return client;
}

async function blocks(it: Controlled): Promise<number[]> {
  const client = await WireClient.simple(it.path);
  const data = await client.readData(0, 16 * BLOCK);
  client.reset();
  return Array.from({ length: 16 }, (_, at) => data[at * BLOCK] ?? -1);
}

describe.each([1, 2])('with %i threads', (threads) => {
  test.each([
    ['none', 1, { kept: 0, lost: 16 }],
    ['all', 2, { kept: 16, lost: 0 }],
  ])('keep=%s leaves the version of the disk or of the cache', async (keep, byte, counts) => {
    const it = await serveControlled({ threads }, ...CACHED);
    const client = await begun(it);
    expect(await cut(it, `?keep=${keep}`)).toEqual({ image: keep, ...counts, power: 1 });
    await client.end();
    expect(await blocks(it)).toEqual(new Array(16).fill(byte));
  });

  test('what is in flight gets no reply, and is carried out no more', async () => {
    const it = await serveControlled({ threads }, 'size=4', 'memory_backed=1');
    const rule = { op: 'write', hang: 'on' };
    const added = await it.ask('POST', '/v1/devices/nullb0/faults/rules', { json: rule });
    expect(added).toMatchObject({ status: 201 });
    const client = await WireClient.simple(it.path);
    client.send(
      requestBytes({ command: WRITE, offset: 0, length: BLOCK, flags: CommandFlag.FUA }),
      Buffer.alloc(BLOCK, 3),
    );
    await until(async () => {
      const { text } = await it.ask('GET', '/v1/devices/nullb0/faults');
      return JSON.parse(text).rules[0].held === 1;
    });
    expect(await cut(it)).toMatchObject({ kept: 0, lost: 0, power: 1 });
    expect(await client.end()).toHaveLength(0);
    expect(await blocks(it)).toEqual(new Array(16).fill(0));
  });
});

test('random is by the seed, and the answer says which', async () => {
  const it = await serveControlled(...CACHED);
  await begun(it);
  const { image, kept, lost } = await cut(it);
  const first = await blocks(it);
  const [, seed] = /^random\.(\d+)$/.exec(image) ?? [];
  expect(kept + lost).toBe(16);
  expect(first.filter((byte) => byte === 2)).toHaveLength(kept);
  await begun(it);
  expect(await cut(it, `?keep=random&seed=${seed}`)).toEqual({ image, kept, lost, power: 1 });
  expect(await blocks(it)).toEqual(first);
  const others = new Set<string>();
  for (const other of [1, 2, 3, 4]) {
    await begun(it);
    await cut(it, `?seed=${other}`);
    others.add((await blocks(it)).join(''));
  }
  expect(others.size).toBeGreaterThan(1);
});

test('power stays off as long as it is asked to', async () => {
  const it = await serveControlled(...CACHED);
  const power = async (): Promise<string> =>
    (await it.ask('GET', '/v1/devices/nullb0/attributes/power')).text;
  expect(await cut(it, '?down=stay')).toMatchObject({ power: 0 });
  expect(await power()).toBe('0\n');
  expect((await it.ask('POST', '/v1/devices/nullb0/cut')).text).toContain('power is 0');
  await it.set('nullb0', { power: 1 });
  expect(await cut(it, '?down=50ms')).toMatchObject({ power: 0 });
  await until(async () => (await power()) === '1\n');
});

test('zones keep their pointers over a cut, and none is open', async () => {
  const zoned = ['memory_backed=1', 'size=4', 'zoned=1', 'zone_size=1'];
  const it = await serveControlled(...zoned);
  const client = await WireClient.simple(it.path);
  const write = { command: WRITE, offset: 0, length: BLOCK };
  expect((await client.request(write, Buffer.alloc(BLOCK, 5))).error).toBe(0);
  await cut(it);
  const { text } = await it.ask('GET', '/v1/devices/nullb0/zones?count=2');
  expect(JSON.parse(text).zones).toMatchObject([
    { writePointer: 8, condition: 'closed' },
    { writePointer: 2048, condition: 'empty' },
  ]);
  const again = await WireClient.simple(it.path);
  expect((await again.readData(0, 8)).equals(Buffer.alloc(8, 5))).toBe(true);
  again.reset();
});

test.each([
  ['keep=whole', 'keep=whole: needs journal=1'],
  ['keep=torn', 'keep=torn: needs journal=1'],
  ['keep=some', 'keep=some: must be none, all, random, or with a journal whole, torn'],
  ['down=later', 'down=later: must be stay or a duration'],
])('%s is refused, and nothing is cut', async (query, message) => {
  const it = await serveControlled(...CACHED);
  const client = await WireClient.simple(it.path);
  const answer = await it.ask('POST', `/v1/devices/nullb0/cut?${query}`);
  expect(answer.status).toBe(400);
  expect(answer.text).toContain(message);
  expect(await client.readData(0, 8)).toEqual(Buffer.alloc(8));
  client.reset();
});
