/** The request log of a device whose requests threads execute: it is what it would be with one thread, and they execute
 *  them all the same. test-api.md section 4. */

import { Command } from 'nbd-server-protocol-ts';
import { expect, test, vi } from 'vitest';
import { connect, type Device, type RequestLogEntry } from '../../src/client/index.ts';
import { SharedDevice } from '../../src/direct/shared-device.ts';
import { until } from '../until.ts';
import { serveControlled } from '../wire/controlled.ts';
import { requestBytes, WireClient } from '../wire/wire-client.ts';

const { FLUSH, READ, TRIM, WRITE } = Command;
const BLOCK = 4096;
const MIB = 2 ** 20;

/** A device whose first MiB is written, and how much of what its clients did came to the main thread. */
async function logged(log: number, clients = 1) {
  const words = ['size=16', 'memory_backed=1', 'discard=1', `log=${log}`];
  const served = await serveControlled({ threads: 2 }, ...words);
  const control = await connect({ socket: served.control });
  const all = await Promise.all(
    Array.from({ length: clients }, () => WireClient.structured(served.path)),
  );
  const [first] = all;
  await first?.request({ command: WRITE, offset: 0, length: MIB }, Buffer.alloc(MIB, 1));
  const merging = vi.spyOn(SharedDevice.prototype, 'withStats');
  /** READs that the main thread has executed. */
  const readsHere = async (): Promise<number> => {
    await served.stats('nullb0');
    return merging.mock.lastCall?.[0]?.requests[0] ?? 0;
  };
  return { served, disk: control.device('nullb0'), clients: all, readsHere };
}

const read = (client: WireClient | undefined, block: number): Promise<unknown> | undefined =>
  client?.readData(block * BLOCK, BLOCK);

function what({ op, offset, bytes, flags, client, status }: RequestLogEntry): string {
  return [client, op, offset, bytes, ...flags, status].join(' ');
}

async function texts(disk: Device): Promise<string[]> {
  return (await disk.log()).map(what);
}

test('what a thread executes is there as soon as it is answered, in its place between what the main thread does', async () => {
  const { disk, clients, readsHere } = await logged(1000);
  const [one] = clients;
  const expected = ['1 write 0 1048576 ok'];
  for (let n = 0; n < 40; n++) {
    const at = n * BLOCK;
    await one?.request(
      { command: WRITE, offset: at, length: BLOCK, flags: 1 },
      Buffer.alloc(BLOCK),
    );
    await read(one, n);
    await one?.request({ command: FLUSH });
    expected.push(`1 write ${at} 4096 fua ok`, `1 read ${at} 4096 ok`, '1 flush 0 0 ok');
    expect((await texts(disk)).slice(-3)).toEqual(expected.slice(-3));
    if (n % 10 > 0) continue;
    await one?.request({ command: TRIM, offset: 15 * MIB, length: 512 });
    expected.push('1 discard 15728640 512 ok');
  }
  expect(await texts(disk)).toEqual(expected);
  expect(await readsHere()).toBeLessThan(40);
  const entries = await disk.log();
  let before = 0;
  for (const { arrived, answered, ns } of entries) {
    expect(arrived).toBeGreaterThanOrEqual(before);
    expect(answered).toBe(arrived + Number(ns));
    before = Number(answered);
  }
  expect(entries.map(({ seq }) => seq)).toEqual(expected.map((_, n) => n + 1));
});

test('two clients are told apart, and what one sends after the reply to the other stands behind it', async () => {
  const { disk, clients, readsHere } = await logged(1000, 2);
  for (let n = 0; n < 100; n++) await read(clients[n % 2], n);
  const entries = (await disk.log({ op: 'read' })).map(({ sector, client }) => [
    sector / 8,
    client,
  ]);
  const [first, second] = [entries[0]?.[1], entries[1]?.[1]];
  expect([first, second].toSorted()).toEqual([1, 2]);
  expect(entries).toEqual(Array.from({ length: 100 }, (_, n) => [n, n % 2 === 0 ? first : second]));
  expect(await readsHere()).toBeLessThan(100);
});

test('more than the rings hold is not lost while nobody reads, and the last ones stay', async () => {
  const { disk, clients } = await logged(20_000, 2);
  const asked = 12_000;
  await Promise.all(
    clients.map(async (client, n) => {
      // One reply in its turn: 28 bytes each way at most.
      const reads = Buffer.concat(
        Array.from({ length: asked / 2 }, (_, at) =>
          requestBytes({ command: READ, offset: ((at * 2 + n) % 256) * BLOCK, length: 1 }),
        ),
      );
      client.send(reads);
      for (let at = 0; at < asked / 2; at++) expect((await client.reply(1)).error).toBe(0);
    }),
  );
  const entries = await disk.log({ op: 'read' });
  expect(entries).toHaveLength(asked);
  expect(entries.dropped).toBe(0);
  for (const number of [1, 2]) {
    const own = entries
      .filter(({ client }) => client === number)
      .map(({ offset }) => offset / BLOCK);
    const [first = 0] = own;
    expect(own).toEqual(own.map((_, at) => (at * 2 + first) % 256));
  }
  await disk.set({ log: 100 });
  const last = await disk.log();
  expect(last.map(({ seq }) => seq)).toEqual(entries.slice(-100).map(({ seq }) => seq));
});

test('who follows hears of each command without another one behind it', async () => {
  const { disk, clients, readsHere } = await logged(1000);
  const [one] = clients;
  const seen: number[] = [];
  const following = (async () => {
    for await (const { offset } of disk.log({ follow: true, op: 'read' }))
      seen.push(offset / BLOCK);
  })();
  for (let n = 0; n < 50; n++) {
    await read(one, n);
    await until(() => seen.length === n + 1);
  }
  expect(seen).toEqual(Array.from({ length: 50 }, (_, n) => n));
  expect(await readsHere()).toBeLessThan(50);
  await disk.remove({ force: true });
  await following;
});

test('it goes off and on beneath clients that are lent, and stays over power off and a cut', async () => {
  const { served, disk, clients } = await logged(0);
  const [one] = clients;
  await read(one, 1);
  await disk.set({ log: 10 });
  await read(one, 2);
  expect((await disk.log()).map(({ sector }) => sector)).toEqual([16]);
  await disk.set({ log: 0 });
  await read(one, 3);
  await disk.set({ log: 10 });
  for (const block of [4, 5]) await read(one, block);
  expect((await disk.log()).map(({ sector }) => sector)).toEqual([32, 40]);
  await disk.power(false);
  await one?.end();
  expect((await disk.log()).map(({ sector }) => sector)).toEqual([32, 40]);
  await disk.power(true);
  const two = await WireClient.structured(served.path);
  for (const block of [6, 7]) await read(two, block);
  await disk.cut({ keep: 'none' });
  const entries = await disk.log();
  expect(entries.map(({ sector, client, status }) => [sector, client, status])).toEqual([
    [32, 1, 'ok'],
    [40, 1, 'ok'],
    [48, 1, 'ok'],
    [56, 1, 'ok'],
  ]);
});
