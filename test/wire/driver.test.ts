/** What the driver does, as a client sees it on the wire. */

import { Command, NbdError, TransmissionFlag } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { serveControlled } from './controlled.ts';
import { serve, serveWith } from './served.ts';
import { errorText, requestBytes, WireClient } from './wire-client.ts';

const MIB = 1024 * 1024;

describe('transmission flags follow the features', () => {
  const { SEND_FLUSH, SEND_FUA, SEND_TRIM, ROTATIONAL, CAN_MULTI_CONN } = TransmissionFlag;
  const watched = SEND_FLUSH | SEND_FUA | SEND_TRIM | ROTATIONAL | CAN_MULTI_CONN;

  const both = SEND_FLUSH | SEND_FUA;

  /** By --offer-flush always, and by cache. */
  test.each([
    ['nothing', ['memory_backed=0'], CAN_MULTI_CONN | both, CAN_MULTI_CONN],
    ['memory alone', [], CAN_MULTI_CONN | both, CAN_MULTI_CONN],
    ['memory alone, fua=0', ['fua=0'], CAN_MULTI_CONN | both, CAN_MULTI_CONN],
    ['a cache', ['cache_size=1'], CAN_MULTI_CONN | both, CAN_MULTI_CONN | both],
    [
      'a cache without FUA',
      ['cache_size=1', 'fua=0'],
      CAN_MULTI_CONN | SEND_FLUSH,
      CAN_MULTI_CONN | SEND_FLUSH,
    ],
    ['discard', ['discard=1'], CAN_MULTI_CONN | SEND_TRIM | both, CAN_MULTI_CONN | SEND_TRIM],
    [
      'rotational',
      ['rotational=1'],
      CAN_MULTI_CONN | ROTATIONAL | both,
      CAN_MULTI_CONN | ROTATIONAL,
    ],
    ['zones', ['zoned=1', 'zone_size=1'], SEND_TRIM | both, SEND_TRIM],
  ])('%s', async (_, words, always, cache) => {
    for (const [offerFlush, flags] of [
      ['always', always],
      ['cache', cache],
    ] as const) {
      const { path } = await serveWith({ offerFlush }, 'size=4', 'memory_backed=1', ...words);
      const client = await WireClient.simple(path);
      expect(client.flags & watched).toBe(flags);
    }
  });
});

describe('errors say what happened', () => {
  test('a write that is not at the write pointer', async () => {
    const { path } = await serve('size=4', 'memory_backed=1', 'zoned=1', 'zone_size=1');
    const client = await WireClient.structured(path);
    const fields = { command: Command.WRITE, offset: MIB + 4096, length: 512 };
    const reply = await client.request(fields, new Uint8Array(512));
    expect(reply.error).toBe(NbdError.EIO);
    expect(errorText(reply)).toBe('zone 1: write at sector 2056 but the write pointer is at 2048');
  });

  test('a write below the block size of a zoned device', async () => {
    const words = ['size=4', 'memory_backed=1', 'zoned=1', 'zone_size=1', 'bs=4096'];
    const { path } = await serve(...words);
    const client = await WireClient.structured(path);
    const fields = { command: Command.WRITE, offset: 0, length: 512 };
    const reply = await client.request(fields, new Uint8Array(512));
    expect(reply.error).toBe(NbdError.EINVAL);
    expect(errorText(reply)).toBe('a zoned export takes whole blocks only');
  });
});

describe('a zoned export', () => {
  async function zoned(...words: string[]): Promise<WireClient> {
    const { path } = await serve('size=4', 'memory_backed=1', 'zoned=1', 'zone_size=1', ...words);
    return await WireClient.simple(path);
  }
  const write = (client: WireClient, offset: number, length: number): Promise<{ error: number }> =>
    client.request({ command: Command.WRITE, offset, length }, new Uint8Array(length).fill(1));

  test('takes writes in order, reads 0xFF behind them, and resets whole zones by TRIM', async () => {
    const client = await zoned();
    expect((await write(client, 0, 4096)).error).toBe(0);
    expect((await write(client, 4096, 4096)).error).toBe(0);
    expect((await write(client, 0, 4096)).error).toBe(NbdError.EIO);
    const data = await client.readData(4096, 8192);
    expect(data.equals(Buffer.concat([Buffer.alloc(4096, 1), Buffer.alloc(4096, 0xff)]))).toBe(
      true,
    );
    const trim = { command: Command.TRIM, offset: 4096, length: MIB };
    expect((await client.request(trim)).error).toBe(0); // parts of two zones: nothing happens
    expect((await client.readData(0, 512)).equals(Buffer.alloc(512, 1))).toBe(true);
    expect((await client.request({ ...trim, offset: 0 })).error).toBe(0);
    expect((await client.readData(0, 512)).equals(Buffer.alloc(512, 0xff))).toBe(true);
    expect((await write(client, 0, 4096)).error).toBe(0);
  });

  test('a TRIM over a zone that cannot be reset is EIO; the zones before and behind it are reset', async () => {
    for (const attribute of ['zone_readonly', 'zone_offline']) {
      const served = await serveControlled('size=4', 'memory_backed=1', 'zoned=1', 'zone_size=1');
      const client = await WireClient.simple(served.path);
      for (let zone = 0; zone < 4; zone++) {
        expect((await write(client, zone * MIB, 4096)).error).toBe(0);
      }
      await served.set('nullb0', { [attribute]: 2048 });
      const trim = { command: Command.TRIM, offset: 0, length: 4 * MIB };
      expect((await client.request(trim)).error).toBe(NbdError.EIO);
      for (const zone of [0, 2, 3]) {
        expect((await client.readData(zone * MIB, 512))[0]).toBe(0xff);
      }
      const inside = { ...trim, offset: MIB + 4096, length: 4096 }; // a part of it is ignored
      expect((await client.request(inside)).error).toBe(0);
    }
  });

  test('any bytes may be read, whole blocks alone be written', async () => {
    const client = await zoned('bs=4096');
    expect((await write(client, 0, 8192)).error).toBe(0);
    expect((await client.readData(4095, 2)).equals(Buffer.alloc(2, 1))).toBe(true);
    const across = await client.readData(8191, 2);
    expect([...across]).toEqual([1, 0xff]); // up to the write pointer, and behind it
    const zones = await client.readData(MIB - 1, 2);
    expect([...zones]).toEqual([0xff, 0xff]);
    for (const [offset = 0, length = 0] of [
      [8192, 512],
      [8193, 4096],
    ]) {
      expect((await write(client, offset, length)).error).toBe(NbdError.EINVAL);
    }
    expect((await write(client, 8192, 4096)).error).toBe(0);
  });

  test('reads of 0xFF are right in long reads, which show pages', async () => {
    const client = await zoned();
    expect((await write(client, 0, 4096)).error).toBe(0);
    const data = await client.readData(0, 512 * 1024);
    const expected = Buffer.concat([Buffer.alloc(4096, 1), Buffer.alloc(508 * 1024, 0xff)]);
    expect(data.equals(expected)).toBe(true);
  });

  test('writes zeros at the write pointer', async () => {
    const client = await zoned();
    const zeroes = { command: Command.WRITE_ZEROES, offset: 0, length: 8192 };
    expect((await client.request(zeroes)).error).toBe(0);
    expect((await client.request(zeroes)).error).toBe(NbdError.EIO);
    expect(
      (await client.readData(4096, 8192)).equals(
        Buffer.concat([Buffer.alloc(4096), Buffer.alloc(4096, 0xff)]),
      ),
    ).toBe(true);
  });

  test.each([
    ['of many parts', 200 * 1024, ['max_sectors=8']],
    ['of many parts, with one tag', 200 * 1024, ['max_sectors=8', 'hw_queue_depth=1']],
    ['of several slices', 10 * MIB, ['size=32', 'zone_size=16']],
  ])('applies a write behind zeroes %s after all of them', async (_, length, words) => {
    const client = await zoned(...words);
    const zeroes = { command: Command.WRITE_ZEROES, offset: 0, length, cookie: 1n };
    const behind = { command: Command.WRITE, offset: length, length: 4096, cookie: 2n };
    client.send(requestBytes(zeroes), requestBytes(behind), new Uint8Array(4096).fill(1));
    const errors = [(await client.reply()).error, (await client.reply()).error];
    expect(errors).toEqual([0, 0]);
  });

  test('applies pipelined writes in the order of arrival, however they complete', async () => {
    const words = ['irqmode=2', 'completion_nsec=1000', 'hw_queue_depth=2', 'submit_queues=2'];
    const client = await zoned(...words);
    const data = new Uint8Array(4096);
    for (let at = 0; at < 64; at++) {
      const fields = { command: Command.WRITE, offset: at * 4096, length: 4096 };
      client.send(requestBytes({ ...fields, cookie: BigInt(at) }), data);
    }
    const errors: number[] = [];
    for (let at = 0; at < 64; at++) errors.push((await client.reply()).error);
    expect(errors).toEqual(errors.map(() => 0));
  });
});
