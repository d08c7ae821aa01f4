/** A plain NBD client, as careful as the kernel's: simple replies, FUA as a flush where it is not offered. */

import { type ClientExport, NbdError, TransmissionFlag } from 'nbd-server-protocol-ts';
import { connectClient, type SocketClient } from '../socket-client.ts';

export interface Done {
  /** The NBD error; 0 is success. */
  readonly error: number;
  readonly data: Buffer;
}

export class NbdClient {
  readonly #client: SocketClient;
  /** Bytes. */
  readonly size: number;
  /** Transmission flags. */
  readonly flags: number;

  private constructor(client: SocketClient, { size, flags }: ClientExport) {
    this.#client = client;
    this.size = size;
    this.flags = flags;
  }

  /** @throws when there is no such export. */
  static async connect(path: string, exportName: string): Promise<NbdClient> {
    const simple = { structuredReplies: false, extendedHeaders: false, exportByName: true };
    // What the device refuses is asked for all the same: its errors are compared.
    const client = connectClient({ path }, { ...simple, exportName, strict: false });
    return new NbdClient(client, await client.nbd.ready);
  }

  read(offset: number, length: number): Promise<Done> {
    return done(this.#client.nbd.read(offset, length));
  }

  async write(offset: number, data: Uint8Array, fua = false): Promise<Done> {
    const offered = (this.flags & TransmissionFlag.SEND_FUA) !== 0;
    const written = await done(this.#client.nbd.write(offset, data, { fua: fua && offered }));
    return fua && !offered && written.error === 0 ? await this.flush() : written;
  }

  /** Zeros that take memory, as null_blk's do. */
  writeZeroes(offset: number, length: number): Promise<Done> {
    return done(this.#client.nbd.zeroes(offset, length, { noHole: true }));
  }

  trim(offset: number, length: number): Promise<Done> {
    return done(this.#client.nbd.trim(offset, length));
  }

  flush(): Promise<Done> {
    return done(this.#client.nbd.flush());
  }

  /** Until the server has hung up. */
  async ended(): Promise<void> {
    await this.#client.closed;
  }

  close(): void {
    this.#client.socket.destroy();
  }
}

/** @throws when the connection ends. */
async function done(request: Promise<unknown>): Promise<Done> {
  try {
    const result = await request;
    return { error: 0, data: result instanceof Uint8Array ? Buffer.from(result) : Buffer.alloc(0) };
  } catch (error) {
    if (error instanceof NbdError) return { error: error.errno, data: Buffer.alloc(0) };
    throw error;
  }
}
