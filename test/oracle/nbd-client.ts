/** A plain NBD client, as careful as the kernel's: one request after the other, FUA as a flush where
 *  it is not offered. */

import {
  Command,
  CommandFlag,
  encodeOption,
  Option,
  TransmissionFlag,
} from 'nbd-server-protocol-ts';
import { clientFlags, WireClient } from '../wire/wire-client.ts';

export interface Done {
  /** The NBD error; 0 is success. */
  readonly error: number;
  readonly data: Buffer;
}

export class NbdClient {
  readonly #wire: WireClient;
  /** Bytes. */
  readonly size: number;
  /** Transmission flags. */
  readonly flags: number;

  private constructor(wire: WireClient, size: number, flags: number) {
    this.#wire = wire;
    this.size = size;
    this.flags = flags;
  }

  /** @throws when there is no such export. */
  static async connect(socket: string, name: string): Promise<NbdClient> {
    const wire = await WireClient.connect(socket);
    await wire.read(18);
    wire.send(clientFlags(), encodeOption(Option.EXPORT_NAME, Buffer.from(name)));
    const answer = await wire.read(10);
    return new NbdClient(wire, Number(answer.readBigUInt64BE(0)), answer.readUInt16BE(8));
  }

  read(offset: number, length: number): Promise<Done> {
    return this.#wire.request({ command: Command.READ, offset, length });
  }

  async write(offset: number, data: Uint8Array, fua = false): Promise<Done> {
    const offered = (this.flags & TransmissionFlag.SEND_FUA) !== 0;
    const flags = fua && offered ? CommandFlag.FUA : 0;
    const length = data.length;
    const done = await this.#wire.request({ command: Command.WRITE, flags, offset, length }, data);
    return fua && !offered && done.error === 0 ? await this.flush() : done;
  }

  /** Zeros that take memory, as null_blk's do. */
  writeZeroes(offset: number, length: number): Promise<Done> {
    const { NO_HOLE } = CommandFlag;
    return this.#wire.request({ command: Command.WRITE_ZEROES, flags: NO_HOLE, offset, length });
  }

  trim(offset: number, length: number): Promise<Done> {
    return this.#wire.request({ command: Command.TRIM, offset, length });
  }

  flush(): Promise<Done> {
    return this.#wire.request({ command: Command.FLUSH });
  }

  /** Until the server has hung up. */
  async ended(): Promise<void> {
    await this.#wire.end();
    this.#wire.socket.destroy();
  }

  close(): void {
    this.#wire.socket.destroy();
  }
}
