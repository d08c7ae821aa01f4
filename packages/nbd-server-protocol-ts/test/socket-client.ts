/** A `ClientConnection` over a socket, which tests may write to themselves or destroy. */

import { once } from 'node:events';
import net from 'node:net';
import { ClientConnection, type ClientConnectionOptions } from '../src/index.ts';

export interface SocketClient {
  readonly client: ClientConnection;
  readonly socket: net.Socket;
  /** Until the socket has closed. */
  closed(): Promise<void>;
}

export function connect(
  path: string,
  options: Partial<ClientConnectionOptions> = {},
): SocketClient {
  const socket = net.connect(path);
  const client = new ClientConnection({
    ...options,
    send: (bytes) => socket.write(bytes),
    close: () => socket.end(),
  });
  socket.on('data', (bytes) => client.receive(bytes));
  socket.on('error', () => {}); // a server may end it; the tests see the end
  socket.on('close', () => client.abort());
  const closed = async (): Promise<void> => {
    if (!socket.closed) await once(socket, 'close');
  };
  return { client, socket, closed };
}
