/** The least of an NBD client: one request at a time, without payload. For what fio cannot send (zeroes
 *  of many GiB), and for connections that do nothing. */

import net from 'node:net';
import { ProgramError } from './processes.ts';
import type { Server } from './servers.ts';

const GREETING_BYTES = 18;
const EXPORT_BYTES = 10;
const REPLY_BYTES = 16;
const MAGIC_REQUEST = 0x25609513;
const MAGIC_REPLY = 0x67446698;
const COMMANDS = { trim: 4, zero: 6 } as const;
/** Of one request: the length has 32 bits, and servers like whole blocks. */
const PIECE_BYTES = 2 ** 32 - 2 ** 20;

export class Client {
  readonly #socket: net.Socket;
  #wanted = 0;
  #received: (bytes: Buffer) => void = () => {};
  #failed: (error: Error) => void = () => {};
  #buffer = Buffer.alloc(0);

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, bytes]);
      this.#take();
    });
    socket.on('error', (error) => this.#failed(error));
    socket.on('close', () => this.#failed(new ProgramError('the server closed the connection')));
  }

  /** Attaches to the server's export. */
  static async connect({ place, exportName }: Server): Promise<Client> {
    const { socket, port } = place;
    const client = new Client(port === 0 ? net.connect(socket) : net.connect(port, '127.0.0.1'));
    await client.#read(GREETING_BYTES);
    const name = Buffer.from(exportName);
    const hello = Buffer.alloc(20);
    hello.writeUInt32BE(3, 0); // FIXED_NEWSTYLE | NO_ZEROES
    hello.write('IHAVEOPT', 4, 'latin1');
    hello.writeUInt32BE(1, 12); // EXPORT_NAME
    hello.writeUInt32BE(name.length, 16);
    client.#socket.write(Buffer.concat([hello, name]));
    await client.#read(EXPORT_BYTES);
    return client;
  }

  /** Discards or zeroes a range in as few requests as can say it. @throws ProgramError. */
  async clear(command: keyof typeof COMMANDS, offset: number, length: number): Promise<void> {
    for (let done = 0; done < length; done += PIECE_BYTES) {
      const request = Buffer.alloc(28);
      request.writeUInt32BE(MAGIC_REQUEST, 0);
      request.writeUInt16BE(COMMANDS[command], 6);
      request.writeBigUInt64BE(BigInt(offset + done), 16);
      request.writeUInt32BE(Math.min(PIECE_BYTES, length - done), 24);
      this.#socket.write(request);
      const reply = await this.#read(REPLY_BYTES);
      const error = reply.readUInt32BE(4);
      if (reply.readUInt32BE(0) !== MAGIC_REPLY || error !== 0)
        throw new ProgramError(`${command} of ${length} bytes: the server says error ${error}`);
    }
  }

  close(): void {
    this.#failed = () => {};
    this.#socket.destroy();
  }

  #read(bytes: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#wanted = bytes;
      this.#received = resolve;
      this.#failed = reject;
      this.#take();
    });
  }

  #take(): void {
    if (this.#wanted === 0 || this.#buffer.length < this.#wanted) return;
    const bytes = this.#buffer.subarray(0, this.#wanted);
    this.#buffer = this.#buffer.subarray(this.#wanted);
    this.#wanted = 0;
    this.#received(bytes);
  }
}
