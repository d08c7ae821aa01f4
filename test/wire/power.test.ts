/** What power does to clients. driver.md section 1 (power, index); control.md section 2 (exports). */

import { Command, encodeOption, NbdError, Option, OptionReply } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { type Controlled, serveControlled } from './controlled.ts';
import { clientFlags, requestBytes, WireClient } from './wire-client.ts';

const { READ, WRITE } = Command;
const MEMORY = ['size=4', 'memory_backed=1'];

/** The names of all exports, in order. */
async function exports(path: string): Promise<string[]> {
  const client = await WireClient.connect(path);
  await client.read(18);
  client.send(clientFlags(), encodeOption(Option.LIST, new Uint8Array(0)));
  const names: string[] = [];
  for (;;) {
    const header = await client.read(20);
    const data = await client.read(header.readUInt32BE(16));
    if (header.readUInt32BE(12) === OptionReply.ACK) break;
    names.push(data.toString('utf8', 4, 4 + data.readUInt32BE(0)));
  }
  client.reset();
  return names;
}

/** Writes `byte` at the start of an export. */
async function mark({ path }: Controlled, name: string, byte: number): Promise<void> {
  const client = await WireClient.simple(path, name);
  const reply = await client.request({ command: WRITE, length: 512 }, Buffer.alloc(512, byte));
  expect(reply.error).toBe(0);
  client.reset();
}

async function markOf({ path }: Controlled, name: string): Promise<number> {
  const client = await WireClient.simple(path, name);
  const [byte = -1] = await client.readData(0, 512);
  client.reset();
  return byte;
}

describe('power off', () => {
  test('export-changes: answers what is in flight, refuses what comes then, and the clients leave', async () => {
    const words = ['irqmode=2', 'completion_nsec=1000000000', 'nr_devices=2'];
    const served = await serveControlled(...MEMORY, ...words);
    await served.stats('nullb0'); // the API is loaded
    const client = await WireClient.structured(served.path);
    const other = await WireClient.simple(served.path, 'nullb1');
    const write = { command: WRITE, length: 65_536, cookie: 1n };
    client.send(requestBytes(write), Buffer.alloc(65_536, 7));
    // Refused at once, which says that the one before it was taken.
    const beyond = { command: READ, offset: 4 * 2 ** 20, length: 512, cookie: 2n };
    expect((await client.request(beyond)).error).toBe(NbdError.EINVAL);
    const off = served.set('nullb0', { power: 0 });
    const replies = [];
    do {
      // Until the order to power off has arrived this is answered as before.
      replies.push(await client.request({ ...beyond, cookie: 3n }));
    } while (replies.at(-1)?.error !== NbdError.ESHUTDOWN);
    if (!replies.some(({ cookie }) => cookie === 1n)) replies.push(await client.reply());
    expect(replies.find(({ cookie }) => cookie === 1n)).toMatchObject({ error: 0 });
    expect((await client.end()).length).toBe(0);
    await off;
    expect(await exports(served.path)).toEqual(['nullb1']);
    expect((await other.readData(0, 512)).length).toBe(512);

    await served.set('nullb0', { power: 1 });
    expect(await markOf(served, 'nullb0')).toBe(7); // it was done, and stayed
  });

  test('without clients takes the export away; data, not the cache, is there again', async () => {
    const served = await serveControlled(...MEMORY, 'cache_size=1');
    await mark(served, 'nullb0', 1);
    await served.ask('POST', '/v1/devices/nullb0/flush');
    await mark(served, 'nullb0', 2);
    await served.set('nullb0', { power: 0 });
    expect(await exports(served.path)).toEqual([]);
    await served.set('nullb0', { power: 1 });
    expect(await markOf(served, 'nullb0')).toBe(1);
  });

  test('a smaller size in between keeps the data behind its end', async () => {
    const served = await serveControlled(...MEMORY);
    const client = await WireClient.simple(served.path);
    const last = { command: WRITE, offset: 4 * 2 ** 20 - 512, length: 512 };
    expect((await client.request(last, Buffer.alloc(512, 9))).error).toBe(0);
    client.reset();
    for (const size of [1, 4]) {
      await served.set('nullb0', { power: 0 });
      await served.set('nullb0', { size, power: 1 });
    }
    const again = await WireClient.simple(served.path);
    expect((await again.readData(last.offset, 512)).equals(Buffer.alloc(512, 9))).toBe(true);
  });
});

test('export-changes: rmdir of a powered device: its clients leave, its memory is freed, others stay', async () => {
  const served = await serveControlled(...MEMORY, 'nr_devices=2');
  const client = await WireClient.simple(served.path, 'nullb0');
  const data = Buffer.alloc(2 ** 20, 3);
  for (const offset of [0, 2 ** 20]) {
    expect((await client.request({ command: WRITE, offset, length: 2 ** 20 }, data)).error).toBe(0);
  }
  expect((await served.stats('nullb0')).memory.heldBytes).toBe(2 ** 21);
  expect((await served.ask('DELETE', '/v1/devices/nullb0')).status).toBe(204);
  expect((await client.end()).length).toBe(0);
  expect(await exports(served.path)).toEqual(['nullb1']);
  expect((await served.ask('GET', '/v1/devices/nullb0')).status).toBe(404);
  await served.ask('PUT', '/v1/devices/nullb0', { json: { power: 1 } });
  expect(await markOf(served, 'nullb0')).toBe(0);
  expect((await served.stats('nullb0')).memory.heldBytes).toBe(0);
});

test('the default export is the powered device of the lowest index', async () => {
  const served = await serveControlled(...MEMORY, 'nr_devices=3');
  for (const at of [0, 1, 2]) await mark(served, `nullb${at}`, 10 + at);
  const byDefault = (): Promise<number> => markOf(served, '');
  expect(await byDefault()).toBe(10);
  await served.set('nullb0', { power: 0 });
  expect(await byDefault()).toBe(11);
  await served.ask('PUT', '/v1/devices/zz', { json: { power: 1 } }); // takes index 0
  await mark(served, 'zz', 20);
  expect(await byDefault()).toBe(20);
  expect(await exports(served.path)).toEqual(['zz', 'nullb1', 'nullb2']);
  await served.set('nullb0', { power: 1 }); // index 3 now
  expect(await exports(served.path)).toEqual(['zz', 'nullb1', 'nullb2', 'nullb0']);
});
