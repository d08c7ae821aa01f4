/** Writes to a socket's descriptor, on every version of Node that we support. */

import { once } from 'node:events';
import net from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { ByteSink } from '../../src/server/byte-stream.ts';
import { DirectWrite } from '../../src/server/direct-write.ts';
import { SocketStream } from '../../src/server/receive.ts';
import { folder } from '../folder.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Both ends of one connection; the client's is paused. */
async function pair(): Promise<{ readonly ours: net.Socket; readonly client: net.Socket }> {
  const path = join(folder(), 's');
  const server = net.createServer({ pauseOnConnect: true });
  server.listen({ path });
  const client = net.connect({ path });
  const [ours] = await once(server, 'connection');
  if (!(ours instanceof net.Socket)) throw new Error('no socket');
  cleanups.push(() => {
    ours.destroy();
    client.destroy();
    server.close();
  });
  return { ours, client };
}

function fdOf(socket: net.Socket): number {
  const { _handle: handle } = socket as unknown as { _handle: { fd: number } }; // not in the types
  return handle.fd;
}

async function received(client: net.Socket, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of client) {
    if (!Buffer.isBuffer(part)) throw new Error('no bytes');
    parts.push(part);
    bytes += part.length;
    if (bytes >= length) break;
  }
  return Buffer.concat(parts);
}

const abc = Buffer.from('abc');

test('what the kernel takes is with the client', async () => {
  const { ours, client } = await pair();
  const direct = new DirectWrite(ours, fdOf(ours));
  expect(direct.write(abc, 0, 3)).toBe(3);
  expect(direct.write(Buffer.from('xdefx'), 1, 4)).toBe(3);
  expect(String(await received(client, 6))).toBe('abcdef');
});

test('a client that does not read: part of a write, then nothing, and no error', async () => {
  const { ours } = await pair();
  const direct = new DirectWrite(ours, fdOf(ours));
  const part = new Uint8Array(60_000);
  let last = part.length;
  for (let n = 0; n < 1000 && last > 0; n++) last = direct.write(part, 0, part.length);
  expect(last).toBe(0);
});

test('nothing passes by what the stream still has', async () => {
  const { ours } = await pair();
  ours.write(new Uint8Array(8 << 20));
  expect(new DirectWrite(ours, fdOf(ours)).write(abc, 0, 3)).toBe(0);
});

test('a socket that ends, is destroyed, or has no descriptor is not written to', async () => {
  const { ours } = await pair();
  const fd = fdOf(ours);
  expect(new DirectWrite(ours, -1).write(abc, 0, 3)).toBe(0);
  const direct = new DirectWrite(ours, fd);
  ours.end();
  expect(direct.write(abc, 0, 3)).toBe(0);
  ours.destroy();
  expect(direct.write(abc, 0, 3)).toBe(0);
});

test('a client that has gone: nothing is thrown', async () => {
  const { ours, client } = await pair();
  client.destroy();
  await once(client, 'close');
  expect(new DirectWrite(ours, fdOf(ours)).write(abc, 0, 3)).toBe(0);
});

test('a stream keeps the order, whoever writes the bytes, and says when all were taken', async () => {
  const { ours, client } = await pair();
  let writtenCalls = 0;
  const sink: ByteSink = {
    target: () => new Uint8Array(10),
    received: () => true,
    ended: () => {},
    written: () => writtenCalls++,
    closed: () => {},
  };
  const stream = new SocketStream(ours, sink);
  const sent: Buffer[] = [];
  let pending = 0;
  for (let n = 0; n < 400; n++) {
    // Once the client is behind, what follows waits in the stream; a caller would wait for written().
    const part = Buffer.alloc(n % 7 === 0 ? 70_000 : 1 + (n % 5) * 9000, n);
    sent.push(part);
    const taken = n % 11 === 0 ? 0 : stream.writeNow(part, 0, part.length);
    if (taken === part.length) continue;
    const rest = n % 11 === 0 ? [part.subarray(0, 1), part.subarray(1)] : [part.subarray(taken)];
    if (!stream.write(rest)) pending++;
  }
  expect(pending).toBeGreaterThan(0);
  const all = Buffer.concat(sent);
  const came = await received(client, all.length);
  expect(came.equals(all)).toBe(true);
  await new Promise((resolve) => setImmediate(resolve));
  expect(writtenCalls).toBeGreaterThan(0);
  stream.destroy();
});
