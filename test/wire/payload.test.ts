/** Payloads in extended headers: what follows a request is consumed, whatever becomes of it.
 *  Source: nbd-protocol.md section 3.3. */

import { Command, CommandFlag, NbdError } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { until } from '../until.ts';
import { FormClient } from './form-client.ts';
import { type Served, serve, serveWithin, WARN } from './served.ts';

const { READ, WRITE, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS } = Command;
const { PAYLOAD_LEN, REQ_ONE } = CommandFlag;
const { EINVAL } = NbdError;
const MIB = 2 ** 20;
const ALLOCATION = 'base:allocation';

async function extended(served: Served, contexts = [ALLOCATION]): Promise<FormClient> {
  return await FormClient.open(served.path, { form: 'extended', contexts });
}

/** A BLOCK_STATUS's payload. */
function asking(effect: number | bigint, ...ids: number[]): Buffer {
  const bytes = Buffer.alloc(8 + ids.length * 4);
  bytes.writeBigUInt64BE(BigInt(effect), 0);
  for (const [at, id] of ids.entries()) bytes.writeUInt32BE(id, 8 + at * 4);
  return bytes;
}

/** Requests that would be executed if a payload were not consumed. */
function nasty(client: FormClient, length: number): Buffer {
  const one = client.bytesOf({ command: WRITE_ZEROES, length: MIB });
  return Buffer.concat(Array.from({ length: Math.ceil(length / 32) }, () => one)).subarray(
    0,
    length,
  );
}

test.each([1, 4, 5, 31, 32, 512, 100_000, MIB])(
  'a payload of %i bytes on a command that has none is consumed and refused',
  async (length) => {
    const client = await extended(await serve('size=4', 'memory_backed=1', 'discard=1'));
    await client.write(0, Buffer.alloc(4096, 3));
    for (const command of [READ, FLUSH, TRIM, CACHE, WRITE_ZEROES, 8, 9, 0xffff]) {
      const reply = await client.ask(
        { command, flags: PAYLOAD_LEN, length },
        nasty(client, length),
      );
      expect([command, reply.error]).toEqual([command, EINVAL]);
      expect((await client.read(0, 4096)).every((byte) => byte === 3)).toBe(true);
    }
  },
);

test('PAYLOAD_LEN with a length of 0 is refused on every command', async () => {
  const client = await extended(await serve('size=4', 'memory_backed=1'));
  for (const command of [READ, WRITE, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS, 9]) {
    expect((await client.ask({ command, flags: PAYLOAD_LEN })).error).toBe(EINVAL);
  }
  expect((await client.read(0, 512)).length).toBe(512);
});

test('a WRITE without PAYLOAD_LEN has its payload, whole or in pieces, short or long', async () => {
  const client = await extended(await serve('size=4', 'memory_backed=1'));
  for (const length of [1, 512, 4096, 65_536, 300_000, MIB]) {
    const data = Buffer.alloc(length, length % 251);
    const write = { command: WRITE, offset: 512, length, asIs: true };
    expect((await client.ask(write, data)).error).toBe(0);
    expect((await client.read(512, length)).equals(data)).toBe(true);
    for (const byte of client.bytesOf(write)) {
      await new Promise<void>((sent) => client.wire.socket.write(Buffer.of(byte), () => sent()));
    }
    client.wire.send(data.subarray(0, length >> 1), data.subarray(length >> 1));
    expect((await client.whole(write)).error).toBe(0);
  }
  expect((await client.ask({ command: WRITE, length: 0, asIs: true })).error).toBe(0);
});

test('a WRITE without PAYLOAD_LEN that is refused is consumed like any other', async () => {
  const client = await extended(await serve('size=4', 'memory_backed=1'));
  for (const length of [1, 512, 100_000, MIB]) {
    const write = { command: WRITE, offset: 4 * MIB, length, asIs: true };
    expect((await client.ask(write, nasty(client, length))).error).toBe(NbdError.ENOSPC);
    expect((await client.ask({ ...write, flags: 0x8000 }, nasty(client, length))).error).toBe(
      EINVAL,
    );
    expect((await client.read(0, 512)).every((byte) => byte === 0)).toBe(true);
  }
});

test('in compact requests PAYLOAD_LEN is an unknown flag; the data of a WRITE are consumed', async () => {
  const { path } = await serve('size=4', 'memory_backed=1');
  const client = await FormClient.open(path, { form: 'structured', contexts: [ALLOCATION] });
  const data = Buffer.alloc(512, 9);
  const write = { command: WRITE, flags: PAYLOAD_LEN, length: 512 };
  expect((await client.ask(write, data)).error).toBe(EINVAL);
  const status = { command: BLOCK_STATUS, flags: PAYLOAD_LEN, length: 512 };
  expect((await client.ask(status)).error).toBe(EINVAL);
  expect((await client.read(0, 512)).every((byte) => byte === 0)).toBe(true);
});

test.each([33, 64])('long-payload: a write of %i MiB', async (mib) => {
  const client = await extended(await serve('size=128', 'memory_backed=1'));
  const data = Buffer.alloc(mib * MIB, 7);
  await client.write(512, data);
  expect((await client.read(512, data.length)).equals(data)).toBe(true);
});

test.each([
  ['65 MiB', BigInt(65 * MIB)],
  ['2^32 bytes', 2n ** 32n],
  ['2^64 - 1 bytes', 2n ** 64n - 1n],
])('long-payload: a payload of %s is not a mistake any more', async (_, length) => {
  for (const command of [WRITE, READ, BLOCK_STATUS]) {
    const served = await serve('size=128', 'memory_backed=1');
    const other = await extended(served);
    const client = await extended(served);
    client.send({ command, flags: PAYLOAD_LEN, length });
    await client.wire.end();
    await until(() => served.log.some((line) => line.level >= WARN));
    expect(served.log.find((line) => line.level >= WARN)?.reason).toMatch(/^a (write|payload) of/);
    expect((await other.read(0, 512)).length).toBe(512);
  }
  const served = await serve('size=128', 'memory_backed=1');
  const client = await extended(served);
  client.send({ command: WRITE, length, asIs: true }); // nor is it without the flag
  await client.wire.end();
});

test('up to 32 MiB are consumed also where less was told to be the most', async () => {
  const served = await serveWithin({ payload: MIB }, 'size=64', 'memory_backed=1');
  const client = await extended(served);
  const long = { command: WRITE, length: 32 * MIB };
  expect((await client.ask(long, Buffer.alloc(32 * MIB))).error).toBe(EINVAL);
  await client.write(0, Buffer.alloc(MIB));
  client.send({ command: WRITE, length: 32 * MIB + 1 });
  await client.wire.end();
});

test('a payload that does not come whole is not executed', async () => {
  const served = await serve('size=4', 'memory_backed=1');
  const other = await extended(served);
  for (const length of [600, 65_536, 300_000]) {
    const client = await extended(served);
    client.send({ command: WRITE, length }, Buffer.alloc(length - 1, 0xee));
    client.wire.socket.end();
    await client.wire.end();
    expect((await other.read(0, length)).every((byte) => byte === 0)).toBe(true);
  }
});

describe('BLOCK_STATUS with a payload', () => {
  const zoned = ['size=4', 'memory_backed=1', 'zoned=1', 'zone_size=1'];
  const all = [ALLOCATION, 'x-tnull:zone', 'x-tnull:zone32', 'x-tnull:zone-capacity'];

  test('is answered for the contexts that it names', async () => {
    const client = await extended(await serve(...zoned), all);
    const ask = async (effect: number, ...names: string[]): Promise<string[]> => {
      const payload = asking(effect, ...names.map((name) => client.id(name)));
      const fields = { command: BLOCK_STATUS, flags: PAYLOAD_LEN, length: payload.length };
      const reply = await client.ask(fields, payload);
      expect(reply.error).toBe(0);
      return [...reply.statuses.keys()];
    };
    for (const name of all) expect(await ask(MIB, name)).toEqual([name]);
    expect(await ask(4 * MIB, ...all.toReversed())).toEqual(all.toReversed());
    expect(await ask(1, ...all)).toEqual(all);
  });

  test('takes REQ_ONE', async () => {
    const client = await extended(await serve(...zoned), all);
    const payload = asking(3 * MIB, client.id('x-tnull:zone'));
    const flags = PAYLOAD_LEN | REQ_ONE;
    const reply = await client.ask(
      { command: BLOCK_STATUS, flags, length: payload.length },
      payload,
    );
    expect(reply.statuses.get('x-tnull:zone')).toHaveLength(1);
  });

  test.each([
    ['no ids', () => asking(512)],
    ['an unknown id', () => asking(512, 77)],
    ['the same id twice', (id: number) => asking(512, id, id)],
    ['an effect of no bytes', (id: number) => asking(0, id)],
    ['an effect beyond the end', (id: number) => asking(4 * MIB + 1, id)],
    ['an effect of 2^64 - 1', (id: number) => asking(2n ** 64n - 1n, id)],
    ['a byte too many', (id: number) => Buffer.concat([asking(512, id), Buffer.alloc(1)])],
    ['half an effect', () => Buffer.alloc(4)],
    ['a MiB', (id: number) => Buffer.concat([asking(512, id), Buffer.alloc(MIB)])],
  ])('%s: consumed and refused', async (_, make) => {
    const client = await extended(await serve('size=4', 'memory_backed=1'));
    const payload = make(client.id(ALLOCATION));
    const fields = { command: BLOCK_STATUS, flags: PAYLOAD_LEN, length: payload.length };
    expect((await client.ask(fields, payload)).error).toBe(EINVAL);
    expect((await client.read(0, 512)).length).toBe(512);
  });

  test('with no context selected it was not offered: consumed and refused', async () => {
    const client = await extended(await serve('size=4', 'memory_backed=1'), []);
    const payload = asking(512, 1);
    const fields = { command: BLOCK_STATUS, flags: PAYLOAD_LEN, length: payload.length };
    expect((await client.ask(fields, payload)).error).toBe(EINVAL);
    expect((await client.read(0, 512)).length).toBe(512);
  });

  test('its bytes come one by one', async () => {
    const client = await extended(await serve('size=4', 'memory_backed=1'));
    const payload = asking(512, client.id(ALLOCATION));
    const fields = { command: BLOCK_STATUS, flags: PAYLOAD_LEN, length: payload.length };
    for (const byte of Buffer.concat([client.bytesOf(fields), payload])) {
      await new Promise<void>((sent) => client.wire.socket.write(Buffer.of(byte), () => sent()));
    }
    expect((await client.whole(fields)).error).toBe(0);
  });
});
