/** The examples, which the README shows: used by each other, and attacked. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { TransformStream } from 'node:stream/web';
import type tls from 'node:tls';
import { describe, expect, test, vi } from 'vitest';
import { connectClient } from '../../../test/socket-client.ts';
import { readSector } from '../examples/client.ts';
import { type FileExport, fileExport, fileHandlers } from '../examples/file.ts';
import { server } from '../examples/server.ts';
import { connectTls, serveTls } from '../examples/tls.ts';
import { serveStreams } from '../examples/web-streams.ts';
import {
  ClientConnection,
  Command,
  disconnectBytes,
  encodeOption,
  encodeRequestAt,
  Option,
  RequestHeader,
  ServerConnection,
} from '../src/index.ts';
import { forms, wishesFor } from './connection-pair.ts';
import { FIXED_NO_ZEROES } from './haggle.ts';
import { listening } from './listening.ts';
import { exchange } from './raw-bytes.ts';

const { path, folder } = listening(server);
const SIZE = 64 << 20;

test.each([
  ['server', 30],
  ['client', 20],
  ['file', 40],
  ['tls', 70],
  ['web-streams', 40],
] as const)('the README shows examples/%s.ts as it is, in at most %i lines', (name, most) => {
  const home = new URL('..', import.meta.url);
  const readme = readFileSync(new URL('README.md', home), 'utf8');
  const code = readFileSync(new URL(`examples/${name}.ts`, home), 'utf8');
  expect(readme).toContain(`\`\`\`ts\n${code}\`\`\``);
  const lines = code.split('\n').filter((line) => line !== '' && !line.startsWith('/**'));
  expect(lines.length).toBeLessThanOrEqual(most);
});

describe.each(forms)('the server in the form %s', (form) => {
  test('keeps what was written, also in many requests at a time', async () => {
    const { nbd: client } = connectClient({ path }, wishesFor(form));
    const written = Buffer.alloc(1_000_000, 'abcdefg');
    const writes: Promise<void>[] = [];
    for (let at = 0; at < written.length; at += 9999) {
      writes.push(client.write(12_345 + at, written.subarray(at, at + 9999)));
    }
    await Promise.all(writes);
    await client.flush();
    await client.zeroes(12_345 + 7, 7);
    written.fill(0, 7, 14);
    const data = await client.read(12_344, written.length + 2);
    expect(Buffer.from(data.subarray(1, -1)).equals(written)).toBe(true);
    await client.disconnect();
  });

  test('sixteen reads and DISC bring sixteen replies and the end', async () => {
    const { nbd: client, socket, closed } = connectClient({ path }, wishesFor(form));
    await client.ready;
    const reads = Array.from({ length: 16 }, (_, i) => client.read(i << 20, 1 << 20));
    await new Promise(setImmediate); // they are sent
    socket.write(disconnectBytes(form === 'extended'));
    for (const data of await Promise.all(reads)) expect(data).toHaveLength(1 << 20);
    await closed;
  });
});

describe('an attack', () => {
  const ask = encodeOption(Option.EXPORT_NAME, Buffer.from('disk'));

  test('garbage instead of a request ends the connection', async () => {
    expect(await exchange(path, FIXED_NO_ZEROES, ask, Buffer.alloc(28, 0xee))).toHaveLength(28);
  });

  test('a write of 4 GiB that is never sent ends the connection', async () => {
    const bytes = new Uint8Array(28);
    const write = Object.assign(new RequestHeader(), {
      command: Command.WRITE,
      length: 2 ** 32 - 1,
    });
    encodeRequestAt(new DataView(bytes.buffer), 0, write, 0n);
    expect(await exchange(path, FIXED_NO_ZEROES, ask, bytes)).toHaveLength(28);
  });

  test('clients that go while replies are on their way hurt nobody', async () => {
    for (let i = 0; i < 10; i++) {
      const { nbd: client, socket } = connectClient({ path });
      await client.ready;
      const reads = Array.from({ length: 8 }, () => client.read(0, 1 << 20));
      await Promise.resolve(); // they are sent
      socket.destroy();
      for (const one of await Promise.allSettled(reads)) expect(one.status).toBe('rejected');
    }
    expect(await readSector({ path })).toHaveLength(512);
  });

  test('a client that does not read is held up: the server keeps no more than its limit', async () => {
    const { nbd: client, socket } = connectClient({ path });
    await client.ready;
    socket.pause();
    const before = process.memoryUsage().arrayBuffers;
    const reads = Array.from({ length: 30 }, () => client.read(0, 8 << 20));
    // The client's own memory for what it will read.
    const own = 30 * (8 << 20);
    const { nbd: other } = connectClient({ path });
    for (let i = 0; i < 50; i++) await other.read(0, 512);
    const kept = process.memoryUsage().arrayBuffers - before - own;
    expect(kept).toBeLessThan(150 << 20);
    socket.destroy();
    for (const one of await Promise.allSettled(reads)) expect(one.status).toBe('rejected');
    await other.disconnect();
  });
});

test('the client reads what the server has, and says what went wrong', async () => {
  const { nbd: client } = connectClient({ path });
  await client.write(1000, Buffer.from('hello'));
  const data = await readSector({ path }, 'disk', 999);
  expect(Buffer.from(data.subarray(0, 7)).toString()).toBe('\0hello\0');
  await expect(readSector({ path }, 'nothing')).rejects.toMatchObject({ refusal: 'ERR_UNKNOWN' });
  await expect(readSector({ path }, 'disk', SIZE)).rejects.toMatchObject({ code: 'EINVAL' });
  await expect(readSector({ path: `${path}.not` })).rejects.toMatchObject({ code: 'ENOENT' });
  await client.disconnect();
});

describe('a file', () => {
  /** Serves `file` at a path. @returns what ends it. */
  async function serveFile(file: FileHandle, where: string): Promise<net.Server> {
    const exports = [await fileExport('file', file)];
    const files = net.createServer((socket) => {
      const nbd = new ServerConnection<FileExport>({
        ...{ exports, ...fileHandlers },
        send: (bytes) => socket.write(bytes),
        close: () => socket.end(),
      });
      socket.on('data', (bytes) => nbd.receive(bytes));
      socket.on('close', () => nbd.abort());
    });
    await once(files.listen(where), 'listening');
    return files;
  }

  test('is read and written, and its errors are those of the protocol', async () => {
    const where = join(folder.path, 'f');
    const name = join(folder.path, 'image');
    const file = await open(name, 'w+');
    await file.truncate(1 << 20);
    const files = await serveFile(file, where);
    const { nbd: client } = connectClient({ path: where });
    const written = Buffer.alloc(300_000, 'a file');
    await client.write(77, written, { fua: true });
    expect(readFileSync(name).subarray(77, 300_077).equals(written)).toBe(true);
    expect(Buffer.from(await client.read(77, written.length)).equals(written)).toBe(true);
    await file.truncate(100);
    await expect(client.read(4096, 512)).rejects.toMatchObject({ code: 'EIO' });
    await file.close();
    await expect(client.read(0, 512)).rejects.toMatchObject({ code: 'EIO' });
    await client.disconnect();
    files.close();
  });
});

test('TLS, with a shared key', async () => {
  const key = Buffer.alloc(32, 7);
  const psk = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;
  // Node takes `pskCallback` here too; its types do not say so.
  const context = { pskCallback: () => key, ...psk };
  const secret = [{ name: 'secret', size: 512 }];
  const handlers = { read: ({ length }: { length: number }) => new Uint8Array(length).fill(9) };
  const secure = serveTls(secret, handlers, context);
  const where = join(folder.path, 't');
  await once(secure.listen(where), 'listening');
  const options: tls.ConnectionOptions = {
    pskCallback: () => ({ psk: key, identity: 'test' }),
    checkServerIdentity: () => undefined,
    ...psk,
  };
  const client = connectTls({ path: where }, options);
  expect(await client.read(0, 2)).toEqual(Uint8Array.of(9, 9));
  await client.disconnect();
  const { nbd: plain } = connectClient({ path: where });
  await expect(plain.ready).rejects.toMatchObject({ refusal: 'ERR_TLS_REQD' });
  secure.close();
});

describe('web streams', () => {
  /** A server with so many bytes on each of two streams, and its client. */
  function overStreams() {
    const sized = { size: (chunk?: Uint8Array) => chunk?.length ?? 0 };
    const up = new TransformStream<Uint8Array, Uint8Array>({}, { ...sized, highWaterMark: 1000 });
    const down = new TransformStream<Uint8Array, Uint8Array>({}, { ...sized, highWaterMark: 1000 });
    let begun = 0;
    const read = async ({ length }: { length: number }): Promise<Uint8Array> => {
      begun++;
      return new Uint8Array(length).fill(3);
    };
    const exports = [{ name: 'disk', size: 1 << 20 }];
    const over = serveStreams(up.readable, down.writable, exports, { read });
    const words = up.writable.getWriter();
    const client = new ClientConnection({
      send: (bytes) => words.write(bytes),
      close: () => void words.close(),
    });
    return { client, over, down: down.readable, begun: () => begun };
  }

  test('carry a connection, and hold the server up while nobody reads', async () => {
    const { client, over, down, begun } = overStreams();
    const reader = down.getReader();
    const take = async (): Promise<boolean> => {
      const { value } = await reader.read();
      if (value !== undefined) client.receive(value);
      return value !== undefined;
    };
    let agreed = false;
    void client.ready.then(() => {
      agreed = true;
    });
    while (!agreed) await take();
    const reads = Array.from({ length: 200 }, () => client.read(0, 1 << 19));
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    // 64 MiB may be in flight, and none of the answers was taken.
    expect(begun()).toBeGreaterThan(0);
    expect(begun()).toBeLessThanOrEqual(128);
    const all = Promise.all(reads).then(async (answers) => {
      await client.disconnect();
      return answers;
    });
    while (await take());
    for (const data of await all) expect(data).toHaveLength(1 << 19);
    await over;
  });

  test('whoever does not end the handshake in time is ended', async () => {
    vi.useFakeTimers();
    try {
      const { over, down } = overStreams();
      const reader = down.getReader();
      expect((await reader.read()).value).toHaveLength(18);
      vi.advanceTimersByTime(10_000);
      await expect(reader.read()).rejects.toThrow('no handshake');
      await Promise.race([over, Promise.resolve()]);
    } finally {
      vi.useRealTimers();
    }
  });
});
