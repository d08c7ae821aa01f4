/** An NBD client for what fio cannot send (zeroes of many GiB), and for connections that do nothing. */

import net from 'node:net';
import { ClientConnection } from 'nbd-server-protocol-ts';
import { ProgramError } from './processes.ts';
import type { Server } from './servers.ts';

export class Client {
  readonly #socket: net.Socket;
  readonly #nbd: ClientConnection;

  private constructor(socket: net.Socket, exportName: string) {
    this.#socket = socket;
    // Simple replies by EXPORT_NAME: all servers know them, and some know more commands than they offer.
    this.#nbd = new ClientConnection({
      ...{ exportName, exportByName: true, structuredReplies: false, extendedHeaders: false },
      strict: false,
      send: (bytes) => socket.write(bytes),
      close: () => socket.destroy(),
    });
    socket.on('data', (bytes) => this.#nbd.receive(bytes));
    socket.on('error', (error) => this.#nbd.abort(error));
    socket.on('close', () => this.#nbd.abort());
  }

  /** Attaches to the server's export. @throws ProgramError. */
  static async connect({ place, exportName }: Server): Promise<Client> {
    const { socket, port } = place;
    const connected = port === 0 ? net.connect(socket) : net.connect(port, '127.0.0.1');
    const client = new Client(connected, exportName);
    await orProgramError('the handshake', client.#nbd.ready);
    return client;
  }

  /** Discards or zeroes a range in as few requests as possible. @throws ProgramError. */
  async clear(command: 'trim' | 'zero', offset: number, length: number): Promise<void> {
    const nbd = this.#nbd;
    const cleared = command === 'trim' ? nbd.trim(offset, length) : nbd.zeroes(offset, length);
    await orProgramError(`${command} of ${length} bytes`, cleared);
  }

  close(): void {
    this.#socket.destroy();
  }
}

async function orProgramError(what: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw new ProgramError(`${what}: ${error instanceof Error ? error.message : error}`);
  }
}
