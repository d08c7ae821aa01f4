/** Requests over a real socket, byte by byte: nbd-protocol.md sections 3 and 7. */

import {
  ChunkType,
  Command,
  CommandFlag,
  NbdError,
  TransmissionFlag,
} from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { FormClient } from './form-client.ts';
import { serve, serveWith } from './served.ts';
import { requestBytes, WireClient } from './wire-client.ts';

const MIB = 1024 * 1024;
const { READ, WRITE, FLUSH, TRIM, WRITE_ZEROES } = Command;

function pattern(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + seed * 97 + (i >> 8)) & 0xff;
  return bytes;
}

describe('read-error-chunk: an error of a read', () => {
  test('is a chunk after structured replies were agreed on', async () => {
    const { path } = await serve('size=1', 'memory_backed=1');
    const client = await WireClient.structured(path);
    const reply = await client.request({ command: READ, offset: MIB, length: 512, cookie: 7n });
    expect(reply).toMatchObject({ cookie: 7n, error: NbdError.EINVAL, type: ChunkType.ERROR });
    expect(reply.data.subarray(6).toString()).toMatch(/beyond the end/);
    expect(reply.data.readUInt16BE(4)).toBe(reply.data.length - 6);
  });

  test('is a simple reply without data otherwise', async () => {
    const { path } = await serve('size=1', 'memory_backed=1');
    const client = await WireClient.simple(path);
    const reply = await client.request({ command: READ, offset: MIB, length: 512 });
    expect(reply).toMatchObject({ error: NbdError.EINVAL, type: -1 });
    expect((await client.readData(0, 512)).equals(Buffer.alloc(512))).toBe(true);
  });
});

test.each(['structured', 'extended'] as const)(
  'empty-chunk, one-data-chunk: with DF a read is one chunk with all its data, over holes too (%s)',
  async (form) => {
    const { path } = await serve('size=4', 'memory_backed=1');
    const client = await FormClient.open(path, { form });
    const data = pattern(4096);
    await client.write(MIB, data);
    for (const flags of [0, CommandFlag.DF]) {
      const reply = await client.ask({ command: READ, flags, offset: 0, length: 2 * MIB });
      expect(reply.types.length === 1).toBe(flags === CommandFlag.DF);
      expect(reply.data.subarray(MIB, MIB + 4096).equals(data)).toBe(true);
      expect(reply.data.subarray(0, MIB).every((byte) => byte === 0)).toBe(true);
    }
  },
);

test('one-data-chunk: DF is refused where no structured replies were agreed', async () => {
  const { path } = await serve('size=1');
  const client = await WireClient.simple(path);
  const reply = await client.request({ command: READ, flags: CommandFlag.DF, length: 512 });
  expect(reply.error).toBe(NbdError.EINVAL);
});

test.each([512, 65_536, 100_000, 2 * MIB])(
  'refused-payload: the %i bytes of a refused write are consumed, whatever they look like',
  async (length) => {
    const { path } = await serve('size=1', 'memory_backed=1');
    const client = await WireClient.simple(path);
    const nasty = Buffer.concat(
      Array.from({ length: Math.ceil(length / 28) }, () => requestBytes({ command: READ })),
    ).subarray(0, length);
    client.send(
      requestBytes({ command: WRITE, offset: MIB - 511, length, cookie: 1n }),
      nasty,
      requestBytes({ command: READ, length: 512, cookie: 2n }),
    );
    expect(await client.reply()).toMatchObject({ cookie: 1n, error: NbdError.ENOSPC });
    expect(await client.reply(512)).toMatchObject({ cookie: 2n, error: 0 });
  },
);

test.each([33, 64])('long-payload: a write of %i MiB is executed and read again', async (mib) => {
  const { path } = await serve('size=128', 'memory_backed=1');
  const client = await WireClient.simple(path);
  const data = pattern(mib * MIB);
  const fields = { command: WRITE, offset: 512, length: data.length };
  expect((await client.request(fields, data)).error).toBe(0);
  expect((await client.readData(512, data.length)).equals(data)).toBe(true);
  expect((await client.readData(0, 512)).equals(Buffer.alloc(512))).toBe(true);
});

test('long-payload: one of 65 MiB is refused, consumed, and the connection goes on', async () => {
  const { path } = await serve('size=128', 'memory_backed=1');
  const client = await WireClient.simple(path);
  const fields = { command: WRITE, offset: 0, length: 65 * MIB };
  expect((await client.request(fields, Buffer.alloc(65 * MIB, 1))).error).toBe(NbdError.EINVAL);
  expect((await client.readData(0, 512)).equals(Buffer.alloc(512))).toBe(true);
});

test.each(['structured', 'extended'] as const)(
  'a read of 64 MiB is served, a longer one is refused with EOVERFLOW (%s)',
  async (form) => {
    const { path } = await serve('size=128', 'memory_backed=1');
    const client = await FormClient.open(path, { form });
    expect((await client.read(0, 64 * MIB)).length).toBe(64 * MIB);
    const longer = { command: READ, length: 64 * MIB + 1 };
    expect((await client.ask(longer)).error).toBe(NbdError.EOVERFLOW);
  },
);

test.each([
  ['READ', READ, NbdError.EINVAL],
  ['WRITE', WRITE, NbdError.ENOSPC],
  ['TRIM', TRIM, NbdError.EINVAL],
  ['WRITE_ZEROES', WRITE_ZEROES, NbdError.ENOSPC],
] as const)(
  'offset-overflow: %s at the last sector below 2^64 is refused',
  async (_, command, error) => {
    const { path } = await serve('size=1', 'memory_backed=1', 'discard=1');
    const client = await WireClient.simple(path);
    for (const offset of [2n ** 64n - 512n, 2n ** 64n - 1n, 2n ** 63n, BigInt(MIB)]) {
      const payload = command === WRITE ? Buffer.alloc(512) : undefined;
      expect((await client.request({ command, offset, length: 512 }, payload)).error).toBe(error);
    }
  },
);

test('zero-length: zero lengths do nothing and succeed; a read of nothing is an error', async () => {
  const { path } = await serve('size=1', 'memory_backed=1', 'discard=1');
  const client = await WireClient.structured(path);
  for (const command of [WRITE, TRIM, WRITE_ZEROES, FLUSH]) {
    expect((await client.request({ command })).error).toBe(0);
  }
  expect((await client.request({ command: READ })).error).toBe(NbdError.EINVAL);
});

test.each([512, 4096])('unaligned: unaligned requests of any length, blocks of %i', async (bs) => {
  const { path } = await serve('size=4', 'memory_backed=1', `bs=${bs}`);
  const client = await WireClient.simple(path);
  const model = Buffer.alloc(4 * MIB);
  const ranges = [
    [1, 1],
    [511, 2],
    [4095, 4098],
    [1, 1_048_590],
    [130_000, 3000],
    [4 * MIB - 1, 1],
    [777, 70_001],
    [8192, 511],
  ] as const;
  for (const [at, [offset, length]] of ranges.entries()) {
    const data = pattern(length, at + 2);
    data.copy(model, offset);
    expect((await client.request({ command: WRITE, offset, length }, data)).error).toBe(0);
  }
  for (const [offset, length] of [
    [300, 200],
    [5000, 60_000],
  ] as const) {
    model.fill(0, offset, offset + length);
    expect((await client.request({ command: WRITE_ZEROES, offset, length })).error).toBe(0);
  }
  expect((await client.readData(0, model.length)).equals(model)).toBe(true);
  for (const [offset, length] of ranges) {
    const data = await client.readData(offset, length);
    expect(data.equals(model.subarray(offset, offset + length))).toBe(true);
  }
});

describe('unknown-command: what is unknown is refused, and the connection goes on', () => {
  test.each([7, 8, 9, 0xffff])('command %i', async (command) => {
    const { path } = await serve('size=1');
    const client = await WireClient.simple(path);
    expect((await client.request({ command, length: 512 })).error).toBe(NbdError.EINVAL);
    expect((await client.readData(0, 512)).length).toBe(512);
  });

  test.each([0x8000, 0x40, CommandFlag.NO_HOLE, CommandFlag.REQ_ONE, CommandFlag.FAST_ZERO])(
    'flag 0x%s on a read and a write',
    async (flags) => {
      const { path } = await serve('size=1');
      const client = await WireClient.structured(path);
      const read = await client.request({ command: READ, flags, length: 512 });
      expect(read.error).toBe(NbdError.EINVAL);
      const write = { command: WRITE, flags, length: 512 };
      expect((await client.request(write, Buffer.alloc(512))).error).toBe(NbdError.EINVAL);
    },
  );

  test('TRIM where it was not offered', async () => {
    const { path } = await serve('size=1', 'memory_backed=1');
    const client = await WireClient.simple(path);
    const reply = await client.request({ command: TRIM, length: 512 });
    expect(reply.error).toBe(NbdError.EINVAL);
  });
});

test.each([
  ['with a cache', ['cache_size=1']],
  ['without', []],
])('fua-everywhere: FUA is good on every command (%s)', async (_, words) => {
  const { path } = await serve('size=4', 'memory_backed=1', 'discard=1', ...words);
  const client = await WireClient.simple(path);
  expect(client.flags & TransmissionFlag.SEND_FUA).not.toBe(0);
  for (const command of [READ, WRITE, TRIM, WRITE_ZEROES]) {
    const payload = command === WRITE ? pattern(512) : undefined;
    const fields = { command, flags: CommandFlag.FUA, length: 512 };
    expect((await client.request(fields, payload)).error).toBe(0);
  }
  expect((await client.request({ command: FLUSH, flags: CommandFlag.FUA })).error).toBe(0);
  expect((await client.request({ command: FLUSH, length: 512 })).error).toBe(NbdError.EINVAL);
});

test('FUA that was not offered is refused; a FLUSH is not, since nothing is volatile', async () => {
  const { path } = await serveWith(
    { offerFlush: 'cache' },
    'size=1',
    'memory_backed=1',
    'discard=1',
  );
  const client = await WireClient.simple(path);
  expect(client.flags & (TransmissionFlag.SEND_FUA | TransmissionFlag.SEND_FLUSH)).toBe(0);
  for (const command of [READ, WRITE, TRIM, WRITE_ZEROES, FLUSH]) {
    const payload = command === WRITE ? pattern(512) : undefined;
    const fields = { command, flags: CommandFlag.FUA, length: command === FLUSH ? 0 : 512 };
    expect((await client.request(fields, payload)).error).toBe(NbdError.EINVAL);
  }
  expect((await client.request({ command: FLUSH })).error).toBe(0);
});

test('flush-covers: what a write was answered for is there after a flush, for every connection', async () => {
  const { path } = await serve('size=1', 'memory_backed=1');
  const [one, two] = [await WireClient.simple(path), await WireClient.structured(path)];
  const data = pattern(4096);
  expect((await one.request({ command: WRITE, offset: 8192, length: 4096 }, data)).error).toBe(0);
  expect((await two.request({ command: FLUSH })).error).toBe(0);
  expect((await two.readData(8192, 4096)).equals(data)).toBe(true);
});

test('cookies: cookies are echoed as they are: 0, all ones, and the same one many times', async () => {
  const { path } = await serve('size=1', 'memory_backed=1', 'irqmode=1');
  const client = await WireClient.simple(path);
  for (const cookie of [0n, 2n ** 64n - 1n, 0x0123_4567_89ab_cdefn]) {
    expect((await client.request({ command: FLUSH, cookie })).cookie).toBe(cookie);
  }
  const same = { command: READ, length: 512, cookie: 5n };
  client.send(...Array.from({ length: 8 }, () => requestBytes(same)));
  for (let i = 0; i < 8; i++) expect((await client.reply(512)).cookie).toBe(5n);
});

test('any-cut: 256 requests in one segment', async () => {
  const { path } = await serve('size=1', 'memory_backed=1');
  const client = await WireClient.simple(path);
  const requests = Array.from({ length: 256 }, (_, i) =>
    requestBytes({ command: READ, offset: i * 512, length: 512, cookie: BigInt(i) }),
  );
  client.send(Buffer.concat(requests));
  for (let i = 0; i < 256; i++) expect((await client.reply(512)).cookie).toBe(BigInt(i));
});

test('any-cut: handshake and requests split into single bytes', async () => {
  const { path } = await serve('size=1', 'memory_backed=1');
  const client = await WireClient.simple(path);
  client.socket.setNoDelay(true);
  const data = pattern(700);
  const bytes = Buffer.concat([
    requestBytes({ command: WRITE, offset: 100, length: 700, cookie: 1n }),
    data,
    requestBytes({ command: READ, offset: 100, length: 700, cookie: 2n }),
  ]);
  for (const byte of bytes) {
    await new Promise<void>((sent) => client.socket.write(Buffer.of(byte), () => sent()));
  }
  expect(await client.reply()).toMatchObject({ cookie: 1n, error: 0 });
  expect((await client.reply(700)).data.equals(data)).toBe(true);
});

test.each([
  ['rotational', TransmissionFlag.ROTATIONAL, 'rotational=1'],
  ['trims', TransmissionFlag.SEND_TRIM, 'discard=1'],
])('an export says that it %s when it does, and only then', async (_, flag, word) => {
  const without = await WireClient.simple((await serve('size=1', 'memory_backed=1')).path);
  const having = await WireClient.simple((await serve('size=1', 'memory_backed=1', word)).path);
  expect(without.flags & flag).toBe(0);
  expect(having.flags & flag).toBe(flag);
});

test('shared_tags: devices with one tag between them keep their data apart', async () => {
  const { path } = await serve(
    'nr_devices=3',
    'size=1',
    'memory_backed=1',
    'shared_tags=1',
    'hw_queue_depth=1',
    'irqmode=2',
  );
  const names = ['nullb0', 'nullb1', 'nullb2'];
  await Promise.all(
    names.map(async (name, at) => {
      const client = await WireClient.simple(path, name);
      const data = pattern(70_000, at + 1);
      const fields = { command: WRITE, offset: 1000, length: data.length };
      for (let round = 0; round < 5; round++) {
        expect((await client.request(fields, data)).error).toBe(0);
        expect((await client.readData(1000, data.length)).equals(data)).toBe(true);
      }
    }),
  );
});
