/** The package's client over a socket, for tests within the protocol; the socket stays accessible. */

import net from 'node:net';
import { ClientConnection, type ClientConnectionOptions } from 'nbd-server-protocol-ts';

export interface SocketClient {
  readonly nbd: ClientConnection;
  readonly socket: net.Socket;
  /** The socket has closed, for whatever reason. */
  readonly closed: Promise<void>;
  /** The client's output goes through it: a test may cut it, or drop it. */
  send: (bytes: Uint8Array) => void;
}

/** Connects. `nbd.ready` and each request report errors. */
export function connectClient(
  where: net.NetConnectOpts,
  options: Partial<ClientConnectionOptions> = {},
): SocketClient {
  const socket = net.connect(where);
  const nbd = new ClientConnection({
    ...options,
    send: (bytes) => client.send(bytes),
    close: () => socket.end(),
  });
  const closed = new Promise<void>((resolve) => void socket.on('close', () => resolve()));
  const client: SocketClient = { nbd, socket, closed, send: (bytes) => void socket.write(bytes) };
  socket.on('data', (bytes) => nbd.receive(bytes));
  socket.on('error', (error) => nbd.abort(error));
  socket.on('close', () => nbd.abort());
  return client;
}
