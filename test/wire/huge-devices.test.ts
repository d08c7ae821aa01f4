/** Null devices around 2^53 and up to 2^63 - 1 bytes, on the wire, byte by byte and in each reply form:
 *  what lies at the end is served, what lies behind it is refused, and no offset is rounded.
 *  nbd-protocol.md sections 2.2, 3.1 and 3.5; docs/running.md. */

import { ChunkType, Command, CommandFlag, NbdError, Option } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { SLAB_BYTES } from '../../src/pages/slab.ts';
import { testRows } from '../test-runs.ts';
import { until } from '../until.ts';
import { serveControlled } from './controlled.ts';
import { type Ask, type Form, FormClient, forms, infoData, option } from './form-client.ts';
import { type Served, serve, serveWith } from './served.ts';
import { WireClient } from './wire-client.ts';

const { READ, WRITE, TRIM, WRITE_ZEROES, CACHE, BLOCK_STATUS } = Command;
const { REQ_ONE } = CommandFlag;
const ALLOCATION = 'base:allocation';
const HOLE_AND_ZERO = 3n;
/** The longest extent without extended headers. */
const COMPACT_MAX = 2n ** 32n - 65_536n;

const sizes: [string, bigint][] = [
  ['1 TiB', 2n ** 40n],
  ['2^53 - 513', 2n ** 53n - 513n],
  ['2^53 - 1', 2n ** 53n - 1n],
  ['2^53', 2n ** 53n],
  ['2^53 + 1', 2n ** 53n + 1n],
  ['2^53 + 4096', 2n ** 53n + 4096n],
  ['2^60 + 12345', 2n ** 60n + 12_345n],
  ['2^62 + 513', 2n ** 62n + 513n],
  ['2^63 - 512', 2n ** 63n - 512n],
  ['8 EiB - 1', 2n ** 63n - 1n],
];

function open({ path }: Served, form: Form): Promise<FormClient> {
  const contexts = form === 'simple' ? [] : [ALLOCATION];
  return FormClient.open(path, { form, contexts });
}

async function accepts(client: FormClient, ask: Ask, payload?: Uint8Array): Promise<void> {
  const reply = await client.ask(ask, payload);
  expect(`${reply.error} ${reply.text}`, `command ${ask.command} at ${ask.offset}`).toBe('0 ');
  if (ask.command === READ) expect(reply.data.equals(Buffer.alloc(Number(ask.length)))).toBe(true);
}

async function refuses(client: FormClient, ask: Ask, error: number): Promise<void> {
  const payload = ask.command === WRITE ? new Uint8Array(Number(ask.length)) : undefined;
  const what = `command ${ask.command} at ${ask.offset} of ${ask.length}`;
  expect((await client.ask(ask, payload)).error, what).toBe(error);
}

/** The 64-bit lengths and the statuses of one BLOCK_STATUS reply, as the bytes say. */
async function statusOf(client: FormClient, ask: Ask): Promise<[bigint, bigint][]> {
  client.send(ask);
  const { wire, form } = client;
  const extended = form === 'extended';
  const header = await wire.read(extended ? 32 : 20);
  expect(header.readUInt16BE(4)).toBe(1);
  expect(header.readUInt16BE(6)).toBe(
    extended ? ChunkType.BLOCK_STATUS_EXT : ChunkType.BLOCK_STATUS,
  );
  if (extended) expect(header.readBigUInt64BE(16)).toBe(ask.offset);
  const bytes = Number(extended ? header.readBigUInt64BE(24) : header.readUInt32BE(16));
  const payload = await wire.read(bytes);
  const extents: [bigint, bigint][] = [];
  for (let at = extended ? 8 : 4; at < bytes; at += extended ? 16 : 8) {
    extents.push(
      extended
        ? [payload.readBigUInt64BE(at), payload.readBigUInt64BE(at + 8)]
        : [BigInt(payload.readUInt32BE(at)), BigInt(payload.readUInt32BE(at + 4))],
    );
  }
  return extents;
}

describe.each(testRows(sizes))('%s bytes', (_, size) => {
  const last = size - 1n;

  test('are what INFO, EXPORT_NAME and the daemon tell', async () => {
    const served = await serve(`size_bytes=${size}`);
    const raw = await WireClient.connect(served.path);
    await raw.read(18);
    raw.send(new Uint8Array([0, 0, 0, 3]));
    const [first] = await option(raw, Option.INFO, infoData(''));
    expect(first?.data.readBigUInt64BE(2)).toBe(size);
    raw.send(Buffer.from('49484156454f50540000000100000000', 'hex'));
    expect((await raw.read(10)).readBigUInt64BE(0)).toBe(size);
    expect(BigInt(served.daemon.exports[0]?.size ?? 0)).toBe(size);
  });

  describe.each(forms)('%s', (form) => {
    test('have a last byte, and none behind it', async () => {
      const client = await open(await serve(`size_bytes=${size}`), form);
      await accepts(client, { command: READ, offset: last, length: 1 });
      await accepts(client, { command: WRITE, offset: last, length: 1 }, new Uint8Array(1));
      await accepts(client, { command: WRITE_ZEROES, offset: last, length: 1 });
      await accepts(client, { command: CACHE, offset: last, length: 1 });
      const ends: [bigint, bigint][] = [
        [last, 2n],
        [size, 1n],
        [size + 1n, 1n],
        [size - 511n, 512n],
        [2n ** 64n - 1n, 1n],
        [2n ** 64n - 1n, 512n],
      ];
      for (const [offset, length] of ends) {
        await refuses(client, { command: READ, offset, length }, NbdError.EINVAL);
        await refuses(client, { command: WRITE, offset, length }, NbdError.ENOSPC);
        await refuses(client, { command: WRITE_ZEROES, offset, length }, NbdError.ENOSPC);
        await refuses(client, { command: CACHE, offset, length }, NbdError.EINVAL);
        // Nothing is kept, so there is nothing to trim, and it is not offered.
        await refuses(client, { command: TRIM, offset, length }, NbdError.EINVAL);
        if (form === 'simple') continue;
        await refuses(client, { command: BLOCK_STATUS, offset, length }, NbdError.EINVAL);
      }
    });

    test('are read and written at their end in any alignment, whole chunks and long', async () => {
      const client = await open(await serve(`size_bytes=${size}`, 'bs=4096'), form);
      for (const length of [2, 511, 512, 513, 4095, 4096, 4097, 70_001]) {
        const offset = size - BigInt(length);
        await accepts(client, { command: READ, offset, length });
        const whole = { command: READ, flags: CommandFlag.DF, offset, length };
        if (form !== 'simple') await accepts(client, whole);
        await accepts(client, { command: WRITE, offset, length }, new Uint8Array(length));
        await accepts(client, { command: WRITE_ZEROES, offset, length });
      }
      const length = 2 * SLAB_BYTES + 4097;
      const offset = size - BigInt(length) - 1n;
      await accepts(client, { command: READ, offset, length });
      await accepts(client, { command: WRITE, offset, length }, new Uint8Array(length));
    });
  });

  test.each(['structured', 'extended'] as const)('%s: extents are exact', async (form) => {
    const client = await open(await serve(`size_bytes=${size}`), form);
    const asked: [bigint, bigint][] = [
      [last, 1n],
      [size - 4096n, 4096n],
      [size - 70_001n, 70_001n],
      [size - 70_001n, 69_000n],
      [0n, 4096n],
      [size / 2n + 1n, 10n],
    ];
    for (const [offset, length] of asked) {
      const sectors = ((offset + length + 511n) / 512n) * 512n;
      const end = sectors < size ? sectors : size;
      expect(await statusOf(client, { command: BLOCK_STATUS, offset, length })).toEqual([
        [end - offset, HOLE_AND_ZERO],
      ]);
      expect(
        await statusOf(client, { command: BLOCK_STATUS, flags: REQ_ONE, offset, length }),
      ).toEqual([[length, HOLE_AND_ZERO]]);
    }
    // Longer ones: in all of its 64 bits, or cut to what 32 bits hold.
    const asks = form === 'extended' ? [0n, 1n, 4097n, size / 2n + 1n] : [];
    for (const offset of asks) {
      const length = size - offset;
      for (const flags of [0, REQ_ONE]) {
        const extents = await statusOf(client, { command: BLOCK_STATUS, flags, offset, length });
        const [[told, status] = [0n, 0n], ...more] = extents;
        expect([status, more]).toEqual([HOLE_AND_ZERO, []]);
        expect(told).toBe(length);
      }
      const beyond = { command: BLOCK_STATUS, offset, length: length + 1n };
      await refuses(client, beyond, NbdError.EINVAL);
    }
    if (form === 'structured') {
      const offset = size - 2n ** 33n;
      const ask = { command: BLOCK_STATUS, offset, length: 2n ** 32n - 1n };
      expect(await statusOf(client, ask)).toEqual([[COMPACT_MAX, HOLE_AND_ZERO]]);
    }
  });

  test('extended: all of it is zeroed at once, and one byte more refused', async () => {
    const client = await open(await serve(`size_bytes=${size}`), 'extended');
    for (const offset of [0n, 1n, 512n, 4097n, size / 2n + 1n, size - 2n ** 39n]) {
      const length = size - offset;
      await accepts(client, { command: WRITE_ZEROES, offset, length });
      await accepts(client, { command: CACHE, offset, length });
      const more = { offset, length: length + 1n };
      await refuses(client, { command: WRITE_ZEROES, ...more }, NbdError.ENOSPC);
      await refuses(client, { command: CACHE, ...more }, NbdError.EINVAL);
      for (const wrapped of [2n ** 64n - offset, 2n ** 64n - offset - 1n, 2n ** 64n - 1n]) {
        const wraps = { command: WRITE_ZEROES, offset, length: wrapped % 2n ** 64n };
        if (wraps.length > 0n) await refuses(client, wraps, NbdError.ENOSPC);
      }
    }
  });
});

test('a payload of BLOCK_STATUS names lengths of 64 bits', async () => {
  const size = 2n ** 63n - 1n;
  const client = await open(await serve(`size_bytes=${size}`), 'extended');
  const payload = Buffer.alloc(12);
  payload.writeUInt32BE(client.id(ALLOCATION), 8);
  const ask = async (offset: bigint, length: bigint): Promise<Buffer> => {
    payload.writeBigUInt64BE(length);
    const fields = { command: BLOCK_STATUS, flags: CommandFlag.PAYLOAD_LEN, offset, length: 12 };
    client.send(fields, payload);
    const header = await client.wire.read(32);
    return await client.wire.read(Number(header.readBigUInt64BE(24)));
  };
  const offset = 2n ** 53n + 1n;
  expect((await ask(offset, size - offset)).readBigUInt64BE(8)).toBe(size - offset);
  expect((await ask(offset, size - offset + 1n)).readUInt32BE(0)).toBe(NbdError.EINVAL);
  expect((await ask(offset, 3n)).readBigUInt64BE(8)).toBe(511n);
});

test('data chunks say where they are, to the byte', async () => {
  const size = 2n ** 63n - 1n;
  const { path } = await serve(`size_bytes=${size}`);
  for (const form of ['structured', 'extended'] as const) {
    const client = await FormClient.open(path, { form });
    for (const offset of [2n ** 53n + 1n, 2n ** 62n + 3n, size - 1000n]) {
      client.send({ command: READ, offset, length: 1000 });
      const header = await client.wire.read(form === 'extended' ? 32 : 20);
      expect(header.readUInt16BE(6)).toBe(ChunkType.OFFSET_DATA);
      expect((await client.wire.read(1008)).readBigUInt64BE(0)).toBe(offset);
      const length = 300_000; // a hole, and one chunk of it
      if (offset + BigInt(length) > size) continue;
      client.send({ command: READ, offset, length });
      const hole = await client.wire.read(header.length + 12);
      expect(hole.readUInt16BE(6)).toBe(ChunkType.OFFSET_HOLE);
      expect(hole.readBigUInt64BE(header.length)).toBe(offset);
      expect(hole.readUInt32BE(header.length + 8)).toBe(length);
    }
  }
});

test('bad blocks are hit where they are up to byte 2^62, and the error says where', async () => {
  const size = 2n ** 63n - 1n;
  const { path } = await serveWith(
    {
      configured: [
        {
          name: 'huge',
          attributes: new Map([
            ['size_bytes', String(size)],
            [
              'badblocks',
              `+${2n ** 44n + 3n}-${2n ** 44n + 3n}\n+${2n ** 53n - 1n}-${2n ** 53n + 10n}`,
            ],
          ]),
          powered: true,
        },
      ],
    },
    'nr_devices=0',
  );
  for (const form of ['structured', 'extended'] as const) {
    const client = await FormClient.open(path, { form, name: 'huge' });
    for (const sector of [2n ** 44n + 3n, 2n ** 53n - 1n]) {
      const at = sector * 512n;
      const reply = await client.ask({ command: READ, offset: at - 1001n, length: 2000 });
      expect([reply.error, reply.errorAt]).toEqual([NbdError.EIO, at]);
      expect(reply.text).toBe(`badblocks: sector ${sector} is bad`);
      for (const offset of [at - 512n, at + 512n]) {
        expect((await client.ask({ command: READ, offset, length: 512 })).error).toBe(0);
      }
      const part = { command: WRITE, offset: at + 100n, length: 300 };
      const write = await client.ask(part, new Uint8Array(300));
      expect([write.error, write.errorAt]).toEqual([NbdError.EIO, at + 100n]);
    }
    // Where sectors are rounded, a hit would be one of its neighbours' too.
    for (const sector of [2n ** 53n, 2n ** 53n + 4n, 2n ** 53n + 5n]) {
      const ask = { command: READ, offset: sector * 512n, length: 512 };
      expect((await client.ask(ask)).error).toBe(0);
    }
    if (form === 'structured') continue;
    const all = await client.ask({ command: WRITE_ZEROES, offset: 77n, length: size - 77n });
    // 2^53 bytes and more behind the request's own offset it would be rounded, and is not told.
    expect([all.error, all.errorAt]).toEqual([NbdError.EIO, undefined]);
    expect(all.text).toBe(`badblocks: sector ${2n ** 44n + 3n} is bad`);
    // Its blocks begin before it does.
    const near = { command: WRITE_ZEROES, offset: 2n ** 53n + 700n, length: 2n ** 60n };
    const zeroes = await client.ask(near);
    expect([zeroes.error, zeroes.errorAt]).toEqual([NbdError.EIO, (2n ** 44n + 3n) * 512n]);
  }
});

test('what was done is counted to the byte', async () => {
  const served = await serveControlled(`size_bytes=${2n ** 63n - 1n}`);
  const client = await FormClient.open(served.path, { form: 'extended' });
  const bytes = async (): Promise<unknown> => {
    const { text } = await served.ask('GET', '/v1/devices/nullb0/stats');
    return JSON.parse(text).operations['write-zeroes'].bytes;
  };
  await accepts(client, { command: WRITE_ZEROES, offset: 2n ** 53n + 512n, length: 512n });
  expect(await bytes()).toBe(512);
  await accepts(client, { command: WRITE_ZEROES, offset: 0n, length: 2n ** 53n });
  expect(await bytes()).toBe('9007199254741504');
  await accepts(client, { command: WRITE_ZEROES, offset: 2n ** 62n, length: 2n ** 61n + 512n });
  expect(await bytes()).toBe(`${2n ** 53n + 2n ** 61n + 1024n}`);
  expect((await served.ask('GET', '/metrics')).status).toBe(200);
});

test('requests in flight are shown with their sectors', async () => {
  const served = await serveControlled(
    `size_bytes=${2n ** 63n - 1n}`,
    ...['irqmode=2', `completion_nsec=${600e9}`], // longer than the test
  );
  const client = await FormClient.open(served.path, { form: 'extended' });
  client.send({ command: WRITE_ZEROES, offset: 2n ** 62n + 1024n, length: 2n ** 62n - 1025n });
  client.send({ command: READ, offset: 2n ** 61n + 512n, length: 1000, cookie: 2n });
  const asked = async () =>
    JSON.parse((await served.ask('GET', '/v1/devices/nullb0/requests')).text);
  await until(async () => (await asked()).length === 2);
  expect(await asked()).toHaveLength(2);
  expect(await asked()).toMatchObject([
    { command: 'write-zeroes', sector: '9007199254740994', sectors: 2 ** 53 - 2 },
    { command: 'read', sector: 2 ** 52 + 1, sectors: 2 },
  ]);
});
