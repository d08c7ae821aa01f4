/** STARTTLS over a real socket with Node's TLS: both halves change over and agree inside.
 *  nbd-protocol.md section 5. */

import { once } from 'node:events';
import net from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import { expect, test } from 'vitest';
import {
  type Agreed,
  type ClientAgreed,
  ClientHandshake,
  type ExportInfo,
  ServerHandshake,
} from '../src/index.ts';
import { newFolder } from './folder.ts';
import { type HostOptions, host } from './haggle.ts';

const key = Buffer.alloc(32, 7);
const psk = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;
/** Node takes `pskCallback` here too; its types do not say so. */
const serverOptions = { isServer: true, pskCallback: () => key, ...psk };
const options: HostOptions = {
  tls: 'require',
  secret: true,
  contexts: true,
  extendedHeaders: true,
};

/** One connection's handshake at the server, with TLS when the client asks for it. */
function serve(socket: net.Socket): Promise<Agreed<ExportInfo>> {
  let handshake = new ServerHandshake(host(options), options);
  socket.write(handshake.greeting());
  return new Promise((resolve, reject) => {
    const listen = (stream: net.Socket): void => {
      stream.on('error', reject);
      stream.on('data', (bytes) => {
        const progress = handshake.receive(bytes, 0, bytes.length);
        stream.write(progress.output);
        if (progress.state === 'closed') reject(new Error(progress.reason));
        if (progress.state === 'transmission') resolve(progress.agreed);
        if (progress.state !== 'starttls') return;
        stream.removeAllListeners('data');
        handshake = handshake.secured();
        listen(new tls.TLSSocket(stream, serverOptions));
      });
    };
    listen(socket);
  });
}

function agree(path: string): Promise<ClientAgreed> {
  const handshake = new ClientHandshake({
    tls: 'require',
    exportName: 'secret',
    contexts: ['x-tnull:zone'],
  });
  return new Promise((resolve, reject) => {
    const listen = (stream: net.Socket): void => {
      stream.on('error', reject);
      stream.on('data', (bytes) => {
        const progress = handshake.receive(bytes, 0, bytes.length);
        stream.write(progress.output);
        if (progress.state === 'failed') reject(new Error(progress.reason));
        if (progress.state === 'transmission') resolve(progress.agreed);
        if (progress.state !== 'starttls') return;
        stream.removeAllListeners('data');
        const secure = tls.connect({
          socket: stream,
          pskCallback: () => ({ psk: key, identity: 'test' }),
          checkServerIdentity: () => undefined,
          ...psk,
        });
        secure.once('secureConnect', () => secure.write(handshake.secured()));
        listen(secure);
      });
    };
    listen(net.connect(path));
  });
}

test('a secret export is agreed on inside TLS', async () => {
  const folder = newFolder();
  const sockets = new Set<net.Socket>();
  const server = net.createServer();
  try {
    const path = join(folder.path, 's');
    await once(server.listen(path), 'listening');
    const served = new Promise<Agreed<ExportInfo>>((resolve, reject) => {
      server.on('connection', (socket) => {
        sockets.add(socket);
        serve(socket).then(resolve, reject);
      });
    });
    const client = await agree(path);
    const agreed = await served;
    expect(agreed).toMatchObject({
      secure: true,
      export: { name: 'secret' },
      replyForm: 'extended',
    });
    expect(client).toMatchObject({ replyForm: 'extended', contexts: agreed.contexts });
    expect(agreed.contexts.map(({ name }) => name)).toEqual(['x-tnull:zone']);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    folder.remove();
  }
});
