/** An NBD client that can be as rude as a test wants: raw bytes over a real socket. */

import { once } from 'node:events';
import net from 'node:net';
import {
  ClientFlag,
  Command,
  DecodeStatus,
  decodeReply,
  encodeOption,
  encodeRequestAt,
  Option,
  ReplyHeader,
  RequestHeader,
} from 'nbd-server-protocol-ts';

export interface Reply {
  readonly cookie: bigint;
  readonly error: number;
  /** Of a chunk; -1 in a simple reply. */
  readonly type: number;
  /** Data, or a chunk's payload. */
  readonly data: Buffer;
}

export interface RequestFields {
  readonly command: number;
  readonly flags?: number;
  readonly cookie?: bigint;
  readonly offset?: number | bigint;
  readonly length?: number;
  readonly magic?: number;
}

/** The 28 bytes of a request. */
export function requestBytes(fields: RequestFields): Buffer {
  const bytes = Buffer.alloc(28);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 28);
  const header = new RequestHeader();
  const cookie = fields.cookie ?? 1n;
  header.flags = fields.flags ?? 0;
  header.command = fields.command;
  header.cookieHigh = Number(cookie >> 32n);
  header.cookieLow = Number(cookie & 0xffff_ffffn);
  header.length = fields.length ?? 0;
  encodeRequestAt(view, 0, header, BigInt(fields.offset ?? 0));
  if (fields.magic !== undefined) view.setUint32(0, fields.magic);
  return bytes;
}

const NO_BYTES = Buffer.alloc(0);

export class WireClient {
  readonly socket: net.Socket;
  #chunks: Buffer[] = [];
  #waiting = 0;
  #closed = false;
  #wake: (() => void) | undefined;
  #structured = false;
  /** Transmission flags, as agreed by EXPORT_NAME. */
  flags = 0;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('error', () => {}); // a reset is what some tests are about; `closed` tells
    socket.on('data', (data) => {
      this.#chunks.push(data);
      this.#waiting += data.length;
      this.#wake?.();
    });
    socket.on('close', () => this.#over());
    socket.on('end', () => this.#over());
  }

  /** @param where the path of a unix socket, or a port of this machine. */
  static async connect(where: string | number): Promise<WireClient> {
    const socket =
      typeof where === 'string'
        ? net.connect({ path: where })
        : net.connect({ host: '127.0.0.1', port: where });
    await once(socket, 'connect');
    return new WireClient(socket);
  }

  /** Connected, and agreed on the export `name` by EXPORT_NAME (simple replies). */
  static async simple(where: string | number, name = ''): Promise<WireClient> {
    const client = await WireClient.connect(where);
    await client.read(18);
    client.send(clientFlags(), encodeOption(Option.EXPORT_NAME, Buffer.from(name)));
    client.flags = (await client.read(10)).readUInt16BE(8);
    return client;
  }

  /** Connected, and agreed on the default export by GO with structured replies. */
  static async structured(path: string): Promise<WireClient> {
    const client = await WireClient.connect(path);
    await client.read(18);
    client.send(
      clientFlags(),
      encodeOption(Option.STRUCTURED_REPLY, new Uint8Array(0)),
      encodeOption(Option.GO, new Uint8Array(6)),
    );
    await client.read(20 + 20 + 12 + 20);
    client.#structured = true;
    return client;
  }

  /** Over a socket that is connected already. */
  static over(socket: net.Socket): WireClient {
    return new WireClient(socket);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes that have come and were not read. */
  get waiting(): number {
    return this.#waiting;
  }

  send(...parts: readonly Uint8Array[]): void {
    this.socket.cork();
    for (const part of parts) this.socket.write(part);
    this.socket.uncork();
  }

  /** Exactly `length` bytes. @throws when the server closes before. */
  async read(length: number): Promise<Buffer> {
    const bytes = await this.peek(length);
    this.#waiting -= length;
    const [first] = this.#chunks;
    if (first === undefined || first.length === length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(length);
    return bytes;
  }

  /** The same, and they stay. */
  async peek(length: number): Promise<Buffer> {
    while (this.#waiting < length) {
      if (this.#closed) throw new Error(`closed with ${this.#waiting} of ${length} bytes`);
      await this.#more();
    }
    let count = 0;
    for (let bytes = 0; bytes < length; count++) bytes += this.#chunks[count]?.length ?? 0;
    if (count > 1) this.#chunks.unshift(Buffer.concat(this.#chunks.splice(0, count)));
    return this.#chunks[0]?.subarray(0, length) ?? NO_BYTES;
  }

  /** One reply, or chunk; `dataLength` is what a successful simple reply carries. */
  async reply(dataLength = 0): Promise<Reply> {
    const header = new ReplyHeader();
    const bytes = await this.read(this.#structured ? 20 : 16);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (decodeReply(view, 0, bytes.length, header) !== DecodeStatus.REQUEST) {
      throw new Error(`no reply: ${bytes.toString('hex')}`);
    }
    const cookie = (BigInt(header.cookieHigh) << 32n) | BigInt(header.cookieLow);
    if (!header.structured) {
      const data = await this.read(header.error === 0 ? dataLength : 0);
      return { cookie, error: header.error, type: -1, data };
    }
    const data = await this.read(header.length);
    const error = header.type >= 0x8000 ? data.readUInt32BE(0) : 0;
    return { cookie, error, type: header.type, data };
  }

  /** Sends one request and @returns its reply. */
  async request(fields: RequestFields, payload?: Uint8Array): Promise<Reply> {
    this.send(requestBytes(fields), ...(payload === undefined ? [] : [payload]));
    return this.reply(fields.command === Command.READ ? (fields.length ?? 0) : 0);
  }

  /** Data of one successful read. */
  async readData(offset: number, length: number): Promise<Buffer> {
    const reply = await this.request({ command: Command.READ, offset, length });
    if (reply.error !== 0) throw new Error(`the read failed with ${reply.error}`);
    return this.#structured ? reply.data.subarray(8) : reply.data;
  }

  /** Until the server has closed the connection. @returns what it sent before. */
  async end(): Promise<Buffer> {
    while (!this.#closed) await this.#more();
    return Buffer.concat(this.#chunks);
  }

  /** Goes without a goodbye: a RST over TCP; over a unix socket what was not read is the reset. */
  reset(): void {
    if (this.socket.remoteAddress === undefined) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #over(): void {
    this.#closed = true;
    this.#wake?.();
  }
}

/** What an error chunk says to humans. */
export function errorText({ data }: Reply): string {
  return data.toString('utf8', 6, 6 + data.readUInt16BE(4));
}

export function clientFlags(): Uint8Array {
  return new Uint8Array([0, 0, 0, ClientFlag.FIXED_NEWSTYLE | ClientFlag.NO_ZEROES]);
}
