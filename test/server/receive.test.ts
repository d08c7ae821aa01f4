/** The one place that knows how Node keeps a socket's handle, on every version that we support. */

import { once } from 'node:events';
import net from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ByteSink } from '../../src/server/byte-stream.ts';
import { SocketStream } from '../../src/server/receive.ts';
import { folder } from '../folder.ts';

/** Echoes; pauses after each read when it is told to. */
class Echo implements ByteSink {
  readonly memory = new Uint8Array(1000);
  stream: SocketStream | undefined;
  pausing = false;
  reads = 0;
  ends = 0;
  closes = 0;
  target(): Uint8Array {
    return this.memory;
  }
  received(length: number): boolean {
    this.reads++;
    this.stream?.write([this.memory.slice(0, length)]);
    return !this.pausing;
  }
  ended(): void {
    this.ends++;
    this.stream?.end();
  }
  written(): void {}
  closed(): void {
    this.closes++;
  }
}

test.each(['unix', 'tcp'])(
  'bytes go through the sink’s own memory, and back (%s)',
  async (kind) => {
    const echo = new Echo();
    const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
      echo.stream = new SocketStream(socket, echo);
      echo.stream.resume();
    });
    server.listen(kind === 'unix' ? { path: join(folder(), 's') } : { port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const address = server.address();
    const client =
      typeof address === 'string'
        ? net.connect({ path: address })
        : net.connect({ port: address?.port ?? 0, host: '127.0.0.1' });
    const sent = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i & 0xff));
    const back: Buffer[] = [];
    client.on('data', (data) => back.push(data));
    client.end(sent);
    await once(client, 'close');
    expect(Buffer.concat(back).equals(sent)).toBe(true);
    expect(echo.reads).toBeGreaterThanOrEqual(100); // never more than the 1000 bytes that target() offers
    expect(echo.ends).toBe(1);
    server.close();
    await once(server, 'close'); // the accepted socket is off the server's count
    expect(echo.closes).toBe(1);
  },
);

test('a sink that says no gets nothing until it resumes', async () => {
  const path = join(folder(), 's');
  const echo = new Echo();
  echo.pausing = true;
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    echo.stream = new SocketStream(socket, echo);
    echo.stream.resume();
  });
  server.listen(path);
  await once(server, 'listening');
  const client = net.connect(path);
  client.write(Buffer.alloc(5000, 1));
  await once(client, 'data');
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
  expect(echo.reads).toBe(1);
  echo.pausing = false;
  echo.stream?.resume();
  client.end();
  client.resume();
  await once(client, 'close');
  expect(echo.reads).toBeGreaterThanOrEqual(5);
  server.close();
});
