/** Devices of more than 2^32 sectors work to their last sector, on the wire. rnull-series 23. */

import { Command, NbdError } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { serve } from './served.ts';
import { WireClient } from './wire-client.ts';

const { READ, WRITE, TRIM, WRITE_ZEROES } = Command;
const MIB = 2 ** 20;

describe.each([
  ['2^32 sectors', 2 ** 21],
  ['one MiB more than 2^32 sectors', 2 ** 21 + 1],
  ['2^37 sectors, 64 TiB', 2 ** 26],
  ['the largest', 2 ** 33 - 1],
])('a device of %s', (_, size) => {
  const bytes = size * MIB;
  const connect = async (...words: string[]): Promise<WireClient> => {
    const { path } = await serve(`size=${size}`, 'memory_backed=1', 'discard=1', ...words);
    return await WireClient.simple(path);
  };

  test('has data at its last sector, and nothing behind it', async () => {
    const client = await connect();
    const last = bytes - 512;
    const data = Buffer.alloc(512, 0x5a);
    expect((await client.request({ command: WRITE, offset: last, length: 512 }, data)).error).toBe(
      0,
    );
    const around = await client.readData(bytes - 4096, 4096);
    expect(around.equals(Buffer.concat([Buffer.alloc(3584), data]))).toBe(true);
    expect((await client.readData(0, 512)).equals(Buffer.alloc(512))).toBe(true);
    for (const offset of [last + 1, bytes, bytes + 512]) {
      const refused = await client.request({ command: READ, offset, length: 512 });
      expect(refused.error).toBe(NbdError.EINVAL);
    }
    const over = { command: WRITE, offset: last, length: 1024 };
    expect((await client.request(over, Buffer.alloc(1024))).error).toBe(NbdError.ENOSPC);
  });

  test('tells sectors apart whose numbers have the same low 32 bits', async () => {
    const client = await connect();
    const offsets = [512, 2 ** 41 - 512, 2 ** 41, 2 ** 41 + 512, bytes - 2 ** 41 + 512]
      .filter((offset) => offset > 0 && offset <= bytes - 512)
      .filter((offset, at, all) => all.indexOf(offset) === at);
    for (const [at, offset] of offsets.entries()) {
      const fields = { command: WRITE, offset, length: 512 };
      expect((await client.request(fields, Buffer.alloc(512, at + 1))).error).toBe(0);
    }
    for (const [at, offset] of offsets.entries()) {
      expect((await client.readData(offset, 512)).equals(Buffer.alloc(512, at + 1))).toBe(true);
    }
  });

  test('discards and zeroes its end, unaligned writes there included', async () => {
    const client = await connect('bs=4096');
    const offset = bytes - 10_000;
    const write = { command: WRITE, offset, length: 10_000 };
    expect((await client.request(write, Buffer.alloc(10_000, 1))).error).toBe(0);
    expect((await client.readData(offset, 10_000)).equals(Buffer.alloc(10_000, 1))).toBe(true);
    const zeroes = { command: WRITE_ZEROES, offset: bytes - 100, length: 100 };
    expect((await client.request(zeroes)).error).toBe(0);
    const half = await client.readData(offset, 10_000);
    expect(half.equals(Buffer.concat([Buffer.alloc(9900, 1), Buffer.alloc(100)]))).toBe(true);
    const trim = { command: TRIM, offset: bytes - 3 * 2 ** 30, length: 3 * 2 ** 30 };
    expect((await client.request(trim)).error).toBe(0);
    expect((await client.readData(offset, 10_000)).equals(Buffer.alloc(10_000))).toBe(true);
  });
});
