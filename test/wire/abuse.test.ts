/** Clients that go, stall, flood and lie: memory stays bounded, others go on, nothing half is done.
 *  nbd-protocol.md section 7. */

import net from 'node:net';
import { Command, encodeOption, NbdError, Option, OptionReply } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { limits } from '../../src/server/limits.ts';
import { inStillTime } from '../still-time.ts';
import { testThreads } from '../threads-of-tests.ts';
import { until } from '../until.ts';
import { serve, WARN } from './served.ts';
import { clientFlags, requestBytes, WireClient } from './wire-client.ts';

const MIB = 1024 * 1024;
const { READ, WRITE, DISC, TRIM, WRITE_ZEROES } = Command;

function pattern(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 7 + 1) & 0xff));
}

test.each(['irqmode=0', 'irqmode=1', 'irqmode=2', 'hw_queue_depth=1'])(
  'disc-in-flight: DISC behind 16 reads: 16 replies, then the end (%s)',
  async (mode) => {
    const { path } = await serve('size=4', 'memory_backed=1', mode);
    const client = await WireClient.simple(path);
    const reads = Array.from({ length: 16 }, (_, i) =>
      requestBytes({ command: READ, length: 100_000, cookie: BigInt(i) }),
    );
    client.send(...reads, requestBytes({ command: DISC }), Buffer.from('left over'));
    const cookies = new Set<bigint>();
    for (let i = 0; i < 16; i++) cookies.add((await client.reply(100_000)).cookie);
    expect(cookies.size).toBe(16);
    expect((await client.end()).length).toBe(0);
  },
);

test('replies in flight are sent to a client that only closed its sending half', async () => {
  const { path } = await serve('size=4', 'memory_backed=1', 'irqmode=2', 'completion_nsec=3000000');
  const client = await WireClient.simple(path);
  client.send(requestBytes({ command: READ, length: 4096, cookie: 9n }));
  client.socket.end();
  expect((await client.reply(4096)).cookie).toBe(9n);
  await client.end();
});

test.each([600, 65_536, 300_000])(
  'half a write of %i bytes and gone: nothing of it is done',
  async (length) => {
    const { path } = await serve('size=4', 'memory_backed=1');
    const other = await WireClient.simple(path);
    const before = pattern(length);
    expect((await other.request({ command: WRITE, length }, before)).error).toBe(0);
    const client = await WireClient.simple(path);
    client.send(requestBytes({ command: WRITE, length }), Buffer.alloc(length - 1, 0xee));
    client.socket.end();
    await client.end();
    expect((await other.readData(0, length)).equals(before)).toBe(true);
  },
);

test.each(['unix', 'tcp'])(
  'reset-with-replies: a reset with replies queued hurts nobody else (%s)',
  async (kind) => {
    const { path, port, log } = await serve('size=64', 'memory_backed=1');
    const where = kind === 'unix' ? path : port;
    const other = await WireClient.simple(where);
    for (let round = 0; round < 20; round++) {
      const client = await WireClient.simple(where);
      const reads = Array.from({ length: 64 }, (_, i) =>
        requestBytes({ command: READ, offset: i * 100, length: 512 * 1024 }),
      );
      client.send(...reads);
      if (round % 2 === 0) await client.read(1000);
      client.reset();
    }
    expect((await other.readData(0, 512)).length).toBe(512);
    await until(() => log.filter((line) => line.msg === 'disconnected').length === 20);
  },
);

test('slow-reader: a client that never reads is not read either, and others go on', async () => {
  const { path } = await serve('size=64', 'memory_backed=1', 'hw_queue_depth=16');
  const other = await WireClient.simple(path);
  const data = pattern(1000);
  expect((await other.request({ command: WRITE, offset: 5, length: 1000 }, data)).error).toBe(0);
  const before = process.memoryUsage().rss;
  const stuck = net.connect({ path });
  stuck.on('error', () => {});
  stuck.write(Buffer.concat([clientFlags(), encodeOption(Option.EXPORT_NAME, new Uint8Array(0))]));
  stuck.pause();
  const batch = Buffer.concat(
    Array.from({ length: 1000 }, () => requestBytes({ command: READ, length: 128 * 1024 })),
  );
  for (let i = 0; i < 40; i++) stuck.write(batch); // asks for 5 GiB
  for (let i = 0; i < 50; i++) {
    expect((await other.readData(5, 1000)).equals(data)).toBe(true);
  }
  expect(stuck.writableLength).toBeGreaterThan(0); // the server has stopped reading
  expect(process.memoryUsage().rss - before).toBeLessThan(150 * MIB);
  stuck.destroy();
});

test('idle-clients: 200 idle connections cost little', async () => {
  const { path } = await serve('size=4', 'memory_backed=1');
  const before = process.memoryUsage().rss;
  const idle = await Promise.all(Array.from({ length: 200 }, () => WireClient.connect(path)));
  for (const client of idle) await client.read(18);
  const other = await WireClient.simple(path);
  expect((await other.readData(0, 512)).length).toBe(512);
  // With threads a client has rings of half a MiB, too.
  const most = testThreads > 1 ? 200 : 100;
  expect(process.memoryUsage().rss - before).toBeLessThan(most * MIB);
  for (const client of idle) client.reset();
});

test('idle-clients: who does not agree in time is cut off; who agreed may be idle for ever', async () => {
  await inStillTime(async (pass) => {
    const { path, log } = await serve('size=4');
    const agreed = await WireClient.simple(path);
    const client = await WireClient.connect(path);
    await client.read(18);
    client.send(clientFlags());
    pass(limits.handshakeTime.max - 1);
    client.send(encodeOption(Option.LIST, new Uint8Array(0)));
    expect((await client.read(20)).readUInt32BE(12)).toBe(OptionReply.SERVER);
    pass(1);
    await client.end();
    await until(() => log.some((line) => line.level >= WARN));
    pass(limits.handshakeTime.max * 10);
    expect((await agreed.readData(0, 512)).length).toBe(512);
  });
});

test.each([
  ['a bad magic', Buffer.alloc(28, 0xaa)],
  ['a reply of ours', Buffer.from('6744669800000000000000000000000000000000', 'hex')],
  ['a write of 300 MiB', requestBytes({ command: WRITE, length: 300 * MIB })],
])('%s ends the connection with one line in the log', async (_, bytes) => {
  const { path, log } = await serve('size=4');
  const other = await WireClient.simple(path);
  const client = await WireClient.simple(path);
  client.send(bytes);
  await client.end();
  await until(() => log.some((line) => line.level >= WARN));
  expect(log.filter((line) => line.level >= WARN)).toHaveLength(1);
  expect(log.find((line) => line.level >= WARN)?.reason).toMatch(/magic|a write of/);
  expect((await other.readData(0, 512)).length).toBe(512);
});

test.each(['GET / HTTP/1.1\r\n\r\n', '\0\0\0\x03IHAVEOPX\0\0\0\x07\0\0\0\0'])(
  'garbage instead of a handshake ends the connection with one line in the log',
  async (text) => {
    const { path, log } = await serve('size=4');
    const client = await WireClient.connect(path);
    await client.read(18);
    client.send(Buffer.from(text, 'latin1'));
    await client.end();
    await until(() => log.some((line) => line.level >= WARN));
    expect(log.filter((line) => line.level >= WARN)).toHaveLength(1);
  },
);

test('abort: a client that aborts and goes before the answer is no event', async () => {
  const { path, log } = await serve('size=4');
  const client = await WireClient.connect(path);
  await client.read(18);
  client.send(clientFlags(), encodeOption(Option.ABORT, Buffer.from('bye')));
  client.reset();
  await until(() => log.some((line) => line.msg === 'disconnected'));
  expect(log.filter((line) => line.level >= WARN)).toEqual([]);
});

test.each([
  ['TRIM', TRIM],
  ['WRITE_ZEROES', WRITE_ZEROES],
] as const)('long-effect: %s of 4 GiB - 512 lets other clients in between', async (_, command) => {
  const { path } = await serve('size=4096', 'memory_backed=1', 'discard=1');
  const client = await WireClient.simple(path);
  const other = await WireClient.simple(path);
  // So much that it takes a while: with threads a read of `other` wakes two of them.
  for (let at = 0; at < 256; at++) {
    const fields = { command: WRITE, offset: at * 16 * MIB, length: MIB };
    await client.request(fields, Buffer.alloc(MIB, 1));
  }
  client.send(requestBytes({ command, length: 2 ** 32 - 512 }));
  let served = 0;
  for (; client.waiting === 0; served++) await other.readData(0, 512);
  expect(served).toBeGreaterThan(3);
  expect((await client.reply()).error).toBe(0);
  expect((await other.readData(64 * MIB, MIB)).every((byte) => byte === 0)).toBe(true);
});

test.each(['irqmode=0', 'irqmode=2', 'bs=4096'])(
  'one tag and many clients: each write and read is right in the end (%s)',
  async (mode) => {
    const { path } = await serve(
      'size=16',
      'memory_backed=1',
      'hw_queue_depth=1',
      'max_sectors=64',
      mode,
    );
    const clients = await Promise.all(Array.from({ length: 4 }, () => WireClient.simple(path)));
    await Promise.all(
      clients.map(async (client, at) => {
        for (const length of [512, 70_000, 33_333, 262_144]) {
          const data = Buffer.alloc(length, at + length);
          const offset = at * 4 * MIB + 333;
          client.send(
            requestBytes({ command: WRITE, offset, length, cookie: 1n }),
            data,
            requestBytes({ command: WRITE, offset, length, cookie: 2n }),
            data,
          );
          expect((await client.reply()).error).toBe(0);
          expect((await client.reply()).error).toBe(0);
          expect((await client.readData(offset, length)).equals(data)).toBe(true);
        }
      }),
    );
  },
);

test('a clean shutdown answers what is in flight, refuses what comes after, and ends', async () => {
  const { path, daemon } = await serve(
    'size=4',
    'memory_backed=1',
    'irqmode=2',
    'completion_nsec=500000000',
  );
  const client = await WireClient.structured(path);
  client.send(requestBytes({ command: READ, length: 512, cookie: 1n }));
  // Refused at once, which says that the one before it was taken.
  const beyond = { command: READ, offset: 4 * MIB, length: 512, cookie: 2n };
  expect((await client.request(beyond)).error).toBe(NbdError.EINVAL);
  const stopped = daemon.stop();
  const late = await client.request({ command: READ, length: 512, cookie: 3n });
  expect(late).toMatchObject({ cookie: 3n, error: NbdError.ESHUTDOWN });
  expect(await client.reply()).toMatchObject({ cookie: 1n, error: 0 });
  expect((await client.end()).length).toBe(0);
  await stopped;
});
