/** Snapshots, rollbacks and clones of devices that clients use, with one thread and with two.
 *  Source: crash.md section 1. */

import { Command } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { until } from '../until.ts';
import { type Controlled, serveControlled } from './controlled.ts';
import { requestBytes, WireClient } from './wire-client.ts';

const { READ, WRITE } = Command;
const KIB = 1024;
const WORDS = ['size=8', 'memory_backed=1'];

async function write(client: WireClient, offset: number, data: Uint8Array): Promise<void> {
  const { length } = data;
  const { error } = await client.request({ command: WRITE, offset, length }, data);
  expect(error).toBe(0);
}

async function done({ ask }: Controlled, method: string, path: string): Promise<string> {
  const { status, text } = await ask(method, `/v1/devices/${path}`);
  if (status >= 300) throw new Error(text);
  return text;
}

async function clone({ ask }: Controlled, from: string, name: string): Promise<void> {
  const json = { clone: from, power: 1 };
  const { status, text } = await ask('PUT', `/v1/devices/${name}`, { json });
  if (status !== 201) throw new Error(text);
}

/** Each 4 KiB block of the first 256 KiB, by the first of its bytes. */
async function blocks(client: WireClient): Promise<number[]> {
  const data = await client.readData(0, 256 * KIB);
  return Array.from({ length: 64 }, (_, at) => data[at * 4 * KIB] ?? -1);
}

test('a write of parts of two blocks goes on, of which one was read before and one waits for a tag', async () => {
  const words = ['bs=4096', 'hw_queue_depth=1', 'mbps=1'];
  const it = await serveControlled(...WORDS, ...words);
  const client = await WireClient.simple(it.path);
  // Half a second of bandwidth: the read of the first block waits for it, with the one tag.
  await write(client, 4096 * KIB, Buffer.alloc(512 * KIB, 1));
  const data = Buffer.alloc(8 * KIB, 7);
  client.send(requestBytes({ command: WRITE, offset: 2 * KIB, length: 8 * KIB }), data);
  await done(it, 'PUT', 'nullb0/snapshots/one');
  expect((await client.reply()).error).toBe(0);
  expect(await client.readData(2 * KIB, 8 * KIB)).toEqual(data);
  client.reset();
});

test.each([
  ['a part of a block', 512, 513],
  ['parts of two blocks, and whole ones', 2048, 12_288],
])('a rule takes its snapshot before a write of %s', async (_, offset, length) => {
  const it = await serveControlled(...WORDS, 'bs=4096', 'hw_queue_depth=1');
  const client = await WireClient.simple(it.path);
  await write(client, 0, Buffer.alloc(64 * KIB, 1));
  const json = { id: 'kept', op: 'write', nth: 1, snapshot: 'before' };
  const { status } = await it.ask('POST', '/v1/devices/nullb0/faults/rules', { json });
  expect(status).toBe(201);
  // Others are at work meanwhile.
  const other = await WireClient.simple(it.path);
  for (let count = 0; count < 50; count++) {
    other.send(requestBytes({ command: Command.READ, offset: 4096 * KIB, length: 64 * KIB }));
  }
  await write(client, offset, Buffer.alloc(length, 2));
  expect((await client.readData(offset, length)).every((byte) => byte === 2)).toBe(true);
  await clone(it, 'nullb0@before', 'then');
  const then = await WireClient.simple(it.path, 'then');
  expect(await then.readData(0, 64 * KIB)).toEqual(Buffer.alloc(64 * KIB, 1));
  for (const one of [client, other, then]) one.reset();
});

test('a read that has begun before a rule came is not struck half way, and ends for snapshots', async () => {
  const it = await serveControlled(...WORDS, 'max_sectors=64', 'hw_queue_depth=1', 'mbps=1');
  const client = await WireClient.simple(it.path);
  await write(client, 0, Buffer.alloc(512 * KIB, 1));
  // Half a second of bandwidth: its parts wait for it one by one, with the one tag.
  const before = (await it.stats('nullb0')).operations['read']?.requests ?? 0;
  client.send(requestBytes({ command: READ, length: 512 * KIB }));
  await until(async () => ((await it.stats('nullb0')).operations['read']?.requests ?? 0) > before);
  const json = { op: 'read', error: 'EIO' };
  expect((await it.ask('POST', '/v1/devices/nullb0/faults/rules', { json })).status).toBe(201);
  const { error, data } = await client.reply(512 * KIB);
  expect([error, data.every((byte) => byte === 1)]).toEqual([0, true]);
  await done(it, 'PUT', 'nullb0/snapshots/one');
  expect((await client.request({ command: READ, length: KIB })).error).toBe(5);
  client.reset();
});

describe.each([1, 2])('with %i threads', (threads) => {
  test('a client stays connected over a rollback and sees what was', async () => {
    const it = await serveControlled({ threads }, ...WORDS);
    const client = await WireClient.simple(it.path);
    await write(client, 0, Buffer.alloc(256 * KIB, 1));
    await done(it, 'PUT', 'nullb0/snapshots/one');
    await write(client, 0, Buffer.alloc(4 * KIB, 2));
    await write(client, 200 * KIB, Buffer.alloc(4 * KIB, 3));
    await write(client, 4096 * KIB, Buffer.alloc(256 * KIB, 4));
    await done(it, 'POST', 'nullb0/snapshots/one/rollback');
    expect(await blocks(client)).toEqual(new Array(64).fill(1));
    expect(await client.readData(4096 * KIB, 8)).toEqual(Buffer.alloc(8));
    // The snapshot is as it was, whatever is written now.
    await write(client, 0, Buffer.alloc(256 * KIB, 5));
    await done(it, 'POST', 'nullb0/snapshots/one/rollback');
    expect(await blocks(client)).toEqual(new Array(64).fill(1));
    client.reset();
  });

  test('a clone is whole without the device, and changes by itself', async () => {
    const it = await serveControlled({ threads }, ...WORDS);
    const client = await WireClient.simple(it.path);
    await write(client, 0, Buffer.alloc(256 * KIB, 1));
    await done(it, 'PUT', 'nullb0/snapshots/one');
    await write(client, 0, Buffer.alloc(8 * KIB, 2));
    await clone(it, 'nullb0@one', 'then');
    await clone(it, 'nullb0', 'now');
    const [then, now] = [
      await WireClient.simple(it.path, 'then'),
      await WireClient.simple(it.path, 'now'),
    ];
    await write(then, 4 * KIB, Buffer.alloc(4 * KIB, 3));
    await write(client, 8 * KIB, Buffer.alloc(4 * KIB, 4));
    expect((await blocks(client)).slice(0, 4)).toEqual([2, 2, 4, 1]);
    client.reset();
    await done(it, 'DELETE', 'nullb0');
    expect((await blocks(then)).slice(0, 4)).toEqual([1, 3, 1, 1]);
    expect((await blocks(now)).slice(0, 4)).toEqual([2, 2, 1, 1]);
    await write(now, 0, Buffer.alloc(256 * KIB, 6));
    expect((await blocks(then)).slice(0, 4)).toEqual([1, 3, 1, 1]);
    for (const one of [then, now]) one.reset();
  });

  test('under load no acknowledged write is lost, and snapshots hold what they must', async () => {
    const it = await serveControlled({ threads }, ...WORDS);
    const client = await WireClient.simple(it.path);
    await write(client, 0, Buffer.alloc(256 * KIB, 200));
    let over = false;
    const begun = new Array<number>(64).fill(0);
    const acknowledged = new Array<number>(64).fill(0);
    const load = async (): Promise<void> => {
      for (let round = 1; round <= 150 || (!over && round < 199); round++) {
        for (let at = 0; at < 64; at++) {
          begun[at] = round;
          const fields = { command: WRITE, offset: at * 4 * KIB, length: 4 * KIB };
          client.send(requestBytes(fields), Buffer.alloc(4 * KIB, round));
        }
        for (let at = 0; at < 64; at++) {
          expect((await client.reply()).error).toBe(0);
          acknowledged[at] = round;
        }
      }
    };
    const loading = load();
    const least: number[][] = [];
    const most: number[][] = [];
    for (let n = 0; n < 6; n++) {
      least.push(acknowledged.slice());
      await done(it, 'PUT', `nullb0/snapshots/s${n}`);
      most.push(begun.slice());
      const seen = acknowledged[63];
      await until(() => acknowledged[63] !== seen || over);
    }
    over = true;
    await loading;
    expect(await blocks(client)).toEqual(begun);
    for (const [n, from] of least.entries()) {
      await done(it, 'POST', `nullb0/snapshots/s${n}/rollback`);
      const kept = await blocks(client);
      kept.forEach((round, at) => {
        const low = from[at] ?? 0;
        // What the client had sent by then may be there, and what it had an answer for must.
        if (round !== 200) expect(round).toBeLessThanOrEqual(most[n]?.[at] ?? 0);
        if (low > 0) expect(round === 200 ? 0 : round).toBeGreaterThanOrEqual(low);
      });
    }
    client.reset();
  });

  test('after the writes that copy, and when the snapshot is gone, all is as before', async () => {
    const it = await serveControlled({ threads }, ...WORDS);
    const client = await WireClient.simple(it.path);
    await write(client, 0, Buffer.alloc(1024 * KIB, 1));
    const held = (await it.stats('nullb0')).memory.heldBytes;
    await done(it, 'PUT', 'nullb0/snapshots/one');
    await write(client, 0, Buffer.alloc(512 * KIB, 2));
    const [kept] = JSON.parse(await done(it, 'GET', 'nullb0/snapshots'));
    expect(kept).toMatchObject({ name: 'one', ownBytes: 512 * KIB });
    await done(it, 'DELETE', 'nullb0/snapshots/one');
    expect(JSON.parse(await done(it, 'GET', 'nullb0/snapshots'))).toEqual([]);
    expect((await it.stats('nullb0')).memory.heldBytes).toBe(held);
    await write(client, 256 * KIB, Buffer.alloc(512 * KIB, 3));
    expect(await client.readData(0, 8)).toEqual(Buffer.alloc(8, 2));
    expect(await client.readData(256 * KIB, 8)).toEqual(Buffer.alloc(8, 3));
    client.reset();
  });
});

test('a read that is being sent keeps what it began to send', async () => {
  const it = await serveControlled(...WORDS);
  const client = await WireClient.simple(it.path);
  await write(client, 0, Buffer.alloc(4096 * KIB, 1));
  await done(it, 'PUT', 'nullb0/snapshots/one');
  await write(client, 0, Buffer.alloc(4096 * KIB, 2));
  client.socket.pause();
  client.send(requestBytes({ command: READ, offset: 0, length: 4096 * KIB }));
  await until(async () => (await it.stats('nullb0')).tags.inUse > 0);
  await done(it, 'POST', 'nullb0/snapshots/one/rollback');
  client.socket.resume();
  const { data } = await client.reply(4096 * KIB);
  expect(data.equals(Buffer.alloc(4096 * KIB, 2))).toBe(true);
  expect(await client.readData(0, 8)).toEqual(Buffer.alloc(8, 1));
  client.reset();
});

test('what was begun ends before a snapshot, and what comes meanwhile is served', async () => {
  const it = await serveControlled(...WORDS);
  const [client, other] = [await WireClient.simple(it.path), await WireClient.simple(it.path)];
  const fields = { command: WRITE, offset: 0, length: 1024 * KIB };
  await write(client, 0, Buffer.alloc(fields.length, 1));
  // Some times, at most once a turn of this process: a time would be over before a busy one looks.
  await it.set('nullb0', { requeue_inject: '1,100,0,30' });
  client.send(requestBytes(fields), Buffer.alloc(fields.length, 2));
  await until(async () => (await it.stats('nullb0')).tags.inUse > 0);
  const taken = done(it, 'PUT', 'nullb0/snapshots/one');
  const written = write(other, 2048 * KIB, Buffer.alloc(4 * KIB, 3));
  await Promise.all([taken, written]);
  expect((await client.reply()).error).toBe(0);
  expect(await client.readData(2048 * KIB, 8)).toEqual(Buffer.alloc(8, 3));
  await done(it, 'POST', 'nullb0/snapshots/one/rollback');
  expect(await client.readData(8 * KIB, 8)).toEqual(Buffer.alloc(8, 2));
  for (const one of [client, other]) one.reset();
});

test('a snapshot that would wait for ever is refused, and clients go on', async () => {
  const it = await serveControlled(...WORDS);
  await it.set('nullb0', { requeue_inject: '1,100,0,-1' });
  const client = await WireClient.simple(it.path);
  const fields = { command: WRITE, offset: 0, length: 4 * KIB };
  client.send(requestBytes(fields), Buffer.alloc(4 * KIB, 1));
  await until(async () => (await it.stats('nullb0')).tags.inUse > 0);
  const { status, text } = await it.ask('PUT', '/v1/devices/nullb0/snapshots/one');
  expect({ status, text }).toMatchObject({ status: 409, text: expect.stringContaining('EBUSY') });
  await it.set('nullb0', { requeue_inject: '1,0,0,-1' });
  expect((await client.reply()).error).toBe(0);
  await done(it, 'PUT', 'nullb0/snapshots/one');
  client.reset();
});
