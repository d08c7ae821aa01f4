/** Clients whose requests are executed by the thread with their socket, and everything that takes them back
 *  to the main thread: only the speed differs. */

import { Command, CommandFlag, NbdError } from 'nbd-server-protocol-ts';
import { describe, expect, test, vi } from 'vitest';
import { SharedDevice } from '../../src/direct/shared-device.ts';
import { until } from '../until.ts';
import { type Controlled, serveControlled } from '../wire/controlled.ts';
import { FormClient } from '../wire/form-client.ts';
import { requestBytes, WireClient } from '../wire/wire-client.ts';

const { READ, WRITE } = Command;
const BLOCK = 4096;
const SLAB = 128 * 1024;
const MIB = 2 ** 20;
const threads = 2;
const memory = ['size=16', 'memory_backed=1', 'discard=1'];

/** A client of a device whose first MiB is written, so that writes there are moved bytes only. */
async function lent(...words: string[]): Promise<[Controlled, WireClient]> {
  const served = await serveControlled({ threads }, ...memory, ...words);
  const client = await WireClient.structured(served.path);
  await client.request({ command: WRITE, offset: 0, length: MIB }, Buffer.alloc(MIB, 1));
  return [served, client];
}

const write = (client: WireClient, offset: number, length: number, byte: number) =>
  client.request({ command: WRITE, offset, length }, Buffer.alloc(length, byte));

test('each request is counted once, whichever thread executes it', async () => {
  const [served, client] = await lent();
  const merging = vi.spyOn(SharedDevice.prototype, 'withStats');
  for (let n = 0; n < 100; n++) {
    expect((await write(client, n * BLOCK, BLOCK, n)).error).toBe(0);
    const data = await client.readData(n * BLOCK, BLOCK);
    expect(data.equals(Buffer.alloc(BLOCK, n))).toBe(true);
  }
  const { operations } = await served.stats('nullb0');
  expect(operations['write']).toMatchObject({ requests: 101, bytes: MIB + 100 * BLOCK });
  expect(operations['read']).toMatchObject({ requests: 100, bytes: 100 * BLOCK });
  // The first ones fill memory, which is the main thread's to do; the rest never came to it.
  const own = merging.mock.lastCall?.[0];
  expect(own?.requests[1]).toBeLessThan(10);
  expect(own?.requests[0]).toBeLessThan(10);
});

test('writes that lack PAYLOAD_LEN are executed by their thread too, counted each and told once', async () => {
  const [served] = await lent();
  const merging = vi.spyOn(SharedDevice.prototype, 'withStats');
  const client = await FormClient.open(served.path, { form: 'extended' });
  const faults = async (): Promise<string | undefined> => {
    const { text } = await served.ask('GET', '/metrics');
    return /^tnull_client_faults_total\{fault="write-without-payload-len"\} (\d+)$/m.exec(
      text,
    )?.[1];
  };
  for (let n = 1; n <= 100; n++) {
    const write = { command: WRITE, offset: n * BLOCK, length: BLOCK, asIs: true };
    const data = Buffer.alloc(BLOCK, n);
    expect((await client.ask(write, data)).error).toBe(0);
    expect((await client.read(n * BLOCK, BLOCK)).equals(data)).toBe(true);
  }
  expect(await faults()).toBe('100');
  const told = (): number => served.log.filter(({ fault }) => fault !== undefined).length;
  await until(() => told() >= 2); // the other is the pipelined handshake of `lent`
  expect(told()).toBe(2);
  await served.stats('nullb0');
  expect(merging.mock.lastCall?.[0]?.requests[1]).toBeLessThan(10);
});

test('FLUSH and FUA keep a client with its thread', async () => {
  const [served, client] = await lent();
  const merging = vi.spyOn(SharedDevice.prototype, 'withStats');
  for (let n = 0; n < 100; n++) {
    const flags = CommandFlag.FUA;
    const fields = { command: WRITE, offset: n * BLOCK, length: BLOCK, flags };
    expect((await client.request(fields, Buffer.alloc(BLOCK, n))).error).toBe(0);
    expect((await client.request({ command: Command.FLUSH, flags })).error).toBe(0);
  }
  expect((await client.request({ command: Command.FLUSH, offset: 1 })).error).toBe(NbdError.EINVAL);
  await served.stats('nullb0');
  expect(merging.mock.lastCall?.[0]?.requests[1]).toBeLessThan(10);
});

describe('what is changed live holds from the next request on', () => {
  test('a bad block', async () => {
    const [served, client] = await lent();
    expect((await write(client, 0, BLOCK, 7)).error).toBe(0);
    await served.set('nullb0', { badblocks: '+8-8' });
    expect((await write(client, BLOCK, 512, 7)).error).toBe(NbdError.EIO);
    expect((await write(client, 0, BLOCK, 8)).error).toBe(0);
    await served.set('nullb0', { badblocks: '-8-8' });
    expect((await write(client, BLOCK, 512, 7)).error).toBe(0);
    expect((await client.readData(BLOCK, 512)).equals(Buffer.alloc(512, 7))).toBe(true);
  });

  test('power', async () => {
    const [served, client] = await lent();
    expect((await write(client, 0, BLOCK, 7)).error).toBe(0);
    await served.set('nullb0', { power: false });
    await client.end();
    await served.set('nullb0', { power: true });
    const next = await WireClient.structured(served.path);
    expect((await next.readData(0, BLOCK)).equals(Buffer.alloc(BLOCK, 7))).toBe(true);
  });
});

test('a write for parts of blocks loses nothing of what threads write beside it', async () => {
  const [served, client] = await lent('bs=4096');
  const other = await WireClient.structured(served.path);
  const [first, second] = [BLOCK, BLOCK + 2048];
  for (let round = 1; round <= 200; round++) {
    // One client changes the second half of a block, the other writes its neighbours whole.
    const [a, b] = [write(other, second, 100, round), write(client, 2 * BLOCK, BLOCK, round)];
    expect([(await a).error, (await b).error]).toEqual([0, 0]);
    expect((await client.readData(second, 100)).equals(Buffer.alloc(100, round))).toBe(true);
    expect((await client.readData(first, 2048)).equals(Buffer.alloc(2048, 1))).toBe(true);
    expect((await other.readData(2 * BLOCK, BLOCK)).equals(Buffer.alloc(BLOCK, round))).toBe(true);
  }
});

test('requests of any size in one stream are answered right, whoever they are for', async () => {
  const [served, client] = await lent();
  const model = Buffer.alloc(8 * MIB);
  model.fill(1, 0, MIB);
  let state = 12_345;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const lengths = [1, 512, 4096, 5000, 32_768, 65_536, SLAB, SLAB + 512, 300_000, MIB];
  for (let round = 0; round < 60; round++) {
    const asked = Array.from({ length: 12 }, (_, at) => {
      const length = lengths[random(lengths.length)] ?? 512;
      // Apart from each other: their order is nobody's promise.
      const offset = random(2) * 4 * MIB + (at % 4) * MIB + random(2) * 512;
      return { at, offset, length: Math.min(length, MIB - 512) };
    });
    const apart = asked.filter(
      (one, n) =>
        !asked.slice(0, n).some((b) => Math.floor(b.offset / MIB) === Math.floor(one.offset / MIB)),
    );
    for (const { at, offset, length } of apart) {
      const fields = { offset, length, cookie: BigInt(at) };
      if (random(2) === 0) {
        model.fill(round + at, offset, offset + length);
        client.send(
          requestBytes({ command: WRITE, ...fields }),
          model.subarray(offset, offset + length),
        );
      } else {
        const command = random(3) === 0 ? Command.TRIM : Command.WRITE_ZEROES;
        if (command === Command.WRITE_ZEROES) model.fill(0, offset, offset + length);
        if (command === Command.TRIM) {
          const [from, to] = [
            Math.ceil(offset / 512) * 512,
            Math.floor((offset + length) / 512) * 512,
          ];
          if (to > from) model.fill(0, from, to);
        }
        client.send(requestBytes({ command, ...fields }));
      }
    }
    for (const _ of apart) expect((await client.reply()).error).toBe(0);
  }
  const reader = await FormClient.open(served.path, { form: 'extended' });
  for (let offset = 0; offset < model.length; offset += 250_000) {
    const length = Math.min(250_000, model.length - offset);
    const data = await reader.read(offset, length);
    expect(Buffer.compare(data, model.subarray(offset, offset + length))).toBe(0);
  }
});

test('a client that is lent and does not read its replies is given no more of them than fit', async () => {
  const [served, client] = await lent();
  client.socket.pause();
  const request = requestBytes({ command: READ, offset: 0, length: SLAB });
  // 400 MiB of replies.
  client.send(Buffer.concat(Array.from({ length: 3200 }, () => request)));
  const other = await WireClient.structured(served.path);
  for (let n = 0; n < 50; n++) expect((await write(other, n * BLOCK, BLOCK, 9)).error).toBe(0);
  client.socket.resume();
  for (let n = 0; n < 3200; n++) expect((await client.reply(SLAB)).error).toBe(0);
});

test('who is lent and stops in the middle of a request is cut off, who is busy is not', async () => {
  const served = await serveControlled({ threads, stallTime: 1, idleTime: 1 }, ...memory);
  const [half, busy] = [
    await WireClient.structured(served.path),
    await WireClient.structured(served.path),
  ];
  for (const client of [half, busy]) await write(client, 0, BLOCK, 1);
  half.send(requestBytes({ command: READ, offset: 0, length: 512 }).subarray(0, 11));
  let gone = false;
  const end = half.end().then(() => {
    gone = true;
  });
  let served512 = 0;
  for (; !gone; served512++) expect((await busy.readData(0, 512)).length).toBe(512);
  await end;
  expect(served512).toBeGreaterThan(10);
  expect((await busy.readData(0, 512)).length).toBe(512);
});
