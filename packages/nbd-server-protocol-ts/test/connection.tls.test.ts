/** STARTTLS between a `ServerConnection` and a `ClientConnection`: over real sockets with Node's TLS, and what
 *  must not pass before it is on. nbd-protocol.md section 5. */

import { once } from 'node:events';
import net from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import { describe, expect, test } from 'vitest';
import { ClientConnection, encodeOption, Option, ServerConnection } from '../src/index.ts';
import { memoryDisk, pair } from './connection-pair.ts';
import { newFolder } from './folder.ts';
import { said } from './haggle.ts';

const key = Buffer.alloc(32, 7);
const psk = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;
/** Node takes `pskCallback` here too; its types do not say so. */
const serverOptions = { isServer: true, pskCallback: () => key, ...psk };

function serve(socket: net.Socket): void {
  let stream = socket;
  const disk = memoryDisk();
  const connection = new ServerConnection({
    ...disk.options,
    exports: [{ ...disk.disk, tlsOnly: true }],
    send: (bytes) => stream.write(bytes) || once(stream, 'drain'),
    close: () => stream.end(),
    tls: {
      mode: 'on',
      start: () => {
        socket.removeAllListeners('data');
        stream = new tls.TLSSocket(socket, serverOptions);
        connection.secured();
        listen();
      },
    },
  });
  const listen = (): void => {
    stream.on('data', (bytes) => connection.receive(bytes));
    stream.on('error', () => {});
    stream.on('close', () => connection.abort());
  };
  listen();
}

function connect(path: string): ClientConnection {
  let stream: net.Socket = net.connect(path);
  const plain = stream;
  const client = new ClientConnection({
    send: (bytes) => stream.write(bytes),
    close: () => stream.end(),
    tls: {
      start: () => {
        plain.removeAllListeners('data');
        stream = tls.connect({
          socket: plain,
          pskCallback: () => ({ psk: key, identity: 'test' }),
          checkServerIdentity: () => undefined,
          ...psk,
        });
        stream.once('secureConnect', () => client.secured());
        listen();
      },
    },
  });
  const listen = (): void => {
    stream.on('data', (bytes) => client.receive(bytes));
    stream.on('close', () => client.abort());
  };
  listen();
  return client;
}

test('both sides change over, and requests go inside', async () => {
  const folder = newFolder();
  const server = net.createServer(serve);
  try {
    await once(server.listen(join(folder.path, 's')), 'listening');
    const client = connect(join(folder.path, 's'));
    expect(await client.ready).toMatchObject({ size: 65_536, replyForm: 'extended' });
    await client.write(7, Buffer.from('secret'));
    expect(Buffer.from(await client.read(7, 6)).toString()).toBe('secret');
    await client.disconnect();
  } finally {
    server.close();
    folder.remove();
  }
});

describe('before TLS', () => {
  const startTls = said(encodeOption(Option.STARTTLS, new Uint8Array(0)));
  const turn = (): Promise<void> => new Promise(setImmediate);

  test('TLS starts when all output has gone, and bytes before it is on end the connection', async () => {
    const events: string[] = [];
    let drain: () => void = () => {};
    const server = new ServerConnection({
      ...memoryDisk().options,
      send: (bytes) => {
        events.push(`${bytes.length} bytes`);
        return bytes.length === 20 && new Promise<void>((resolve) => (drain = resolve));
      },
      close: (error) => events.push(String(error?.message)),
      tls: { start: () => events.push('start') },
    });
    await turn();
    server.receive(startTls);
    await turn();
    expect(events).toEqual(['18 bytes', '20 bytes']);
    drain();
    await turn();
    expect(events).toEqual(['18 bytes', '20 bytes', 'start']);
    server.receive(Buffer.from('x'));
    await turn();
    expect(events.at(-1)).toBe('bytes that were not encrypted before TLS was on');
  });

  test('bytes in the same piece end it too', async () => {
    const disk = memoryDisk();
    const tls = { start: () => expect.unreachable() };
    const { server, settle, ends } = pair({ ...disk.options, tls });
    server.receive(Buffer.concat([startTls, Buffer.from('x')]));
    await settle();
    expect(ends.server).toBe('bytes behind STARTTLS that were not encrypted');
  });

  test('bytes that had come before TLS started are not taken for decrypted ones', async () => {
    const ends: (string | undefined)[] = [];
    let go: () => void = () => {};
    const server = new ServerConnection({
      ...memoryDisk().options,
      send: (bytes) => bytes.length === 18 && new Promise<void>((resolve) => (go = resolve)),
      close: (error) => ends.push(error?.message),
      tls: { start: () => server.secured() },
    });
    await turn();
    server.receive(startTls);
    server.receive(encodeOption(Option.LIST, new Uint8Array(0)));
    go();
    await turn();
    expect(ends).toEqual(['bytes behind STARTTLS that were not encrypted']);
  });

  test('a client that needs TLS goes where there is none', async () => {
    const { client, settle } = pair(memoryDisk().options, { tls: { start: () => {} } });
    await settle();
    const refused = { code: 'NBD_REFUSED', refusal: 'ERR_POLICY' };
    await expect(client.ready).rejects.toMatchObject(refused);
  });

  test('a client without TLS is refused, and does not see the export', async () => {
    const disk = memoryDisk();
    for (const mode of ['require', 'on'] as const) {
      const exports = [{ ...disk.disk, tlsOnly: true }];
      const tls = { mode, start: () => {} };
      const { client, settle } = pair({ ...disk.options, exports, tls });
      await settle();
      await expect(client.ready).rejects.toMatchObject({ refusal: 'ERR_TLS_REQD' });
    }
  });

  test('secured() is a bug before STARTTLS', () => {
    const { server, client } = pair(memoryDisk().options);
    expect(() => server.secured()).toThrow('did not ask for TLS');
    expect(() => client.secured()).toThrow('did not agree to TLS');
  });
});
