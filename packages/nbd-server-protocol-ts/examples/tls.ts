/** TLS on both sides: a socket that switches to TLS when the handshake says so. */

import net from 'node:net';
import tls from 'node:tls';
import {
  ClientConnection,
  ServerConnection,
  type ServerExport,
  type ServerHandlers,
} from 'nbd-server-protocol-ts';

export function serveTls(
  exports: readonly ServerExport[],
  handlers: ServerHandlers,
  context: tls.SecureContextOptions,
) {
  return net.createServer((socket) => {
    let stream = socket;
    const listen = () => {
      stream.on('data', (bytes) => nbd.receive(bytes));
      stream.on('close', () => nbd.abort());
      stream.on('error', () => {});
    };
    const nbd = new ServerConnection({
      ...{ exports, ...handlers },
      send: (bytes) => stream.write(bytes),
      close: () => stream.end(),
      tls: {
        start() {
          socket.removeAllListeners('data');
          stream = new tls.TLSSocket(socket, { isServer: true, ...context });
          nbd.secured();
          listen();
        },
      },
    });
    listen();
  });
}

export function connectTls(where: net.NetConnectOpts, options: tls.ConnectionOptions) {
  const socket = net.connect(where);
  let stream = socket;
  const listen = () => {
    stream.on('data', (bytes) => nbd.receive(bytes));
    stream.on('error', (error) => nbd.abort(error));
    stream.on('close', () => nbd.abort());
  };
  const nbd = new ClientConnection({
    send: (bytes) => stream.write(bytes),
    close: () => stream.end(),
    tls: {
      start() {
        socket.removeAllListeners('data');
        stream = tls.connect({ ...options, socket });
        stream.once('secureConnect', () => nbd.secured());
        listen();
      },
    },
  });
  listen();
  return nbd;
}
