/** A client of any reply form that takes whole replies apart, byte by byte, and holds the server to
 *  every rule of their shape. Source: nbd-protocol.md sections 3.1, 3.3 and 3.5. */

import {
  ChunkType,
  Command,
  CommandFlag,
  encodeContextRequest,
  encodeOption,
  Option,
  OptionReply,
} from 'nbd-server-protocol-ts';
import { clientFlags, WireClient } from './wire-client.ts';

export const forms = ['simple', 'structured', 'extended'] as const;
export type Form = (typeof forms)[number];

export interface Ask {
  readonly command: number;
  readonly flags?: number;
  readonly cookie?: bigint;
  readonly offset?: number | bigint;
  readonly length?: number | bigint;
  /** A WRITE in extended headers gets PAYLOAD_LEN by itself; not so with this. */
  readonly asIs?: boolean;
}

export interface Extent {
  readonly length: number;
  readonly status: bigint;
}

export interface Whole {
  readonly cookie: bigint;
  /** 0: it succeeded. */
  readonly error: number;
  readonly text: string;
  /** Of an ERROR_OFFSET. */
  readonly errorAt: bigint | undefined;
  /** Of a read, holes as zeros. */
  readonly data: Buffer;
  /** Chunk types in order; none of a simple reply. */
  readonly types: readonly number[];
  readonly holeBytes: number;
  /** By the names of contexts. */
  readonly statuses: ReadonlyMap<string, readonly Extent[]>;
}

export interface Opening {
  readonly form: Form;
  readonly name?: string;
  readonly contexts?: readonly string[];
  /** GO asks for these kinds of information. */
  readonly infos?: readonly number[];
}

const NO_DATA = new Uint8Array(0);

/** The bytes of a GO or INFO. */
export function infoData(name: string, infos: readonly number[] = []): Buffer {
  const bytes = Buffer.alloc(6 + name.length + infos.length * 2);
  bytes.writeUInt32BE(name.length, 0);
  bytes.write(name, 4);
  bytes.writeUInt16BE(infos.length, 4 + name.length);
  for (const [at, info] of infos.entries()) bytes.writeUInt16BE(info, 6 + name.length + at * 2);
  return bytes;
}

export interface OptionAnswer {
  readonly type: number;
  readonly data: Buffer;
}

/** Sends an option. @returns all replies up to the final one. */
export async function option(
  client: WireClient,
  number: number,
  data: Uint8Array = NO_DATA,
): Promise<OptionAnswer[]> {
  client.send(encodeOption(number, data));
  return await optionAnswers(client, number);
}

export async function optionAnswers(client: WireClient, number: number): Promise<OptionAnswer[]> {
  const answers: OptionAnswer[] = [];
  for (;;) {
    const header = await client.read(20);
    if (header.readBigUInt64BE(0) !== 0x3e889045565a9n) throw new Error('no option reply');
    if (header.readUInt32BE(8) !== number) throw new Error('a reply to another option');
    const type = header.readUInt32BE(12);
    answers.push({ type, data: await client.read(header.readUInt32BE(16)) });
    if (type === OptionReply.ACK || type >= 0x8000_0000) return answers;
  }
}

export class FormClient {
  readonly wire: WireClient;
  readonly form: Form;
  /** As GO told them. */
  size = 0;
  flags = 0;
  readonly #contexts = new Map<number, string>();

  private constructor(wire: WireClient, form: Form) {
    this.wire = wire;
    this.form = form;
  }

  static async open(where: string | number, opening: Opening): Promise<FormClient> {
    const wire = await WireClient.connect(where);
    await wire.read(18);
    wire.send(clientFlags());
    return await FormClient.haggle(wire, opening);
  }

  /** On a connection whose flags were sent. */
  static async haggle(wire: WireClient, opening: Opening): Promise<FormClient> {
    const { form, name = '', contexts = [], infos = [] } = opening;
    const client = new FormClient(wire, form);
    const must = async (number: number, data?: Uint8Array): Promise<OptionAnswer[]> => {
      const answers = await option(wire, number, data);
      const last = answers.at(-1);
      if (last?.type === OptionReply.ACK) return answers.slice(0, -1);
      throw new Error(`option ${number}: ${last?.type.toString(16)} ${last?.data}`);
    };
    if (form === 'structured') await must(Option.STRUCTURED_REPLY);
    if (form === 'extended') await must(Option.EXTENDED_HEADERS);
    if (contexts.length > 0) {
      const request = encodeContextRequest({ exportName: name, queries: contexts });
      for (const { data } of await must(Option.SET_META_CONTEXT, request)) {
        client.#contexts.set(data.readUInt32BE(0), data.toString('utf8', 4));
      }
    }
    for (const { data } of await must(Option.GO, infoData(name, infos))) {
      if (data.readUInt16BE(0) !== 0) continue;
      client.size = Number(data.readBigUInt64BE(2));
      client.flags = data.readUInt16BE(10);
    }
    return client;
  }

  /** The id of a selected context. */
  id(name: string): number {
    for (const [id, one] of this.#contexts) if (one === name) return id;
    throw new Error(`${name} was not selected`);
  }

  bytesOf(ask: Ask): Buffer {
    const extended = this.form === 'extended';
    const write = ask.command === Command.WRITE && extended && ask.asIs !== true;
    const bytes = Buffer.alloc(extended ? 32 : 28);
    bytes.writeUInt32BE(extended ? 0x21e41c71 : 0x25609513, 0);
    bytes.writeUInt16BE((ask.flags ?? 0) | (write ? CommandFlag.PAYLOAD_LEN : 0), 4);
    bytes.writeUInt16BE(ask.command, 6);
    bytes.writeBigUInt64BE(ask.cookie ?? 1n, 8);
    bytes.writeBigUInt64BE(BigInt(ask.offset ?? 0), 16);
    if (extended) bytes.writeBigUInt64BE(BigInt(ask.length ?? 0), 24);
    else bytes.writeUInt32BE(Number(ask.length ?? 0), 24);
    return bytes;
  }

  send(ask: Ask, payload: Uint8Array = NO_DATA): void {
    this.wire.send(this.bytesOf(ask), payload);
  }

  async ask(ask: Ask, payload?: Uint8Array): Promise<Whole> {
    this.send(ask, payload);
    return await this.whole(ask);
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    const reply = await this.ask({ command: Command.WRITE, offset, length: data.length }, data);
    if (reply.error !== 0) throw new Error(`the write failed: ${reply.error} ${reply.text}`);
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const reply = await this.ask({ command: Command.READ, offset, length });
    if (reply.error !== 0) throw new Error(`the read failed: ${reply.error} ${reply.text}`);
    return reply.data;
  }

  /** Of the reply that comes next. */
  async nextCookie(): Promise<bigint> {
    return (await this.wire.peek(16)).readBigUInt64BE(8);
  }

  /** The reply to `ask`, whole; nothing else may be in flight. @throws for each rule it breaks. */
  async whole(ask: Ask): Promise<Whole> {
    return this.form === 'simple' ? await this.#simple(ask) : await new Chunks(this, ask).collect();
  }

  contextName(id: number): string {
    const name = this.#contexts.get(id);
    if (name === undefined) throw new Error(`a status of context ${id}, which was not selected`);
    return name;
  }

  async #simple(ask: Ask): Promise<Whole> {
    const header = await this.wire.read(16);
    if (header.readUInt32BE(0) !== 0x67446698) throw new Error('no simple reply');
    const error = header.readUInt32BE(4);
    const reads = ask.command === Command.READ && error === 0;
    const data = await this.wire.read(reads ? Number(ask.length) : 0);
    const cookie = header.readBigUInt64BE(8);
    const none = { text: '', errorAt: undefined, types: [], holeBytes: 0, statuses: new Map() };
    return { cookie, error, data, ...none };
  }
}

/** The chunks of one reply. */
class Chunks {
  readonly #client: FormClient;
  readonly #ask: Ask;
  readonly #data: Buffer;
  /** The ranges of #data that have come: begin and end of each. */
  readonly #covered: { begin: number; end: number }[] = [];
  readonly #types: number[] = [];
  readonly #statuses = new Map<string, Extent[]>();
  #holeBytes = 0;
  #cookie = 0n;
  #error = 0;
  #text = '';
  #errorAt: bigint | undefined;

  constructor(client: FormClient, ask: Ask) {
    this.#client = client;
    this.#ask = ask;
    const reads = ask.command === Command.READ && Number(ask.length) <= 2 ** 27;
    this.#data = Buffer.alloc(reads ? Number(ask.length) : 0);
  }

  async collect(): Promise<Whole> {
    while (!(await this.#chunk()));
    const { command } = this.#ask;
    if (command === Command.READ && this.#error === 0) {
      if (!this.#isWhole()) throw new Error('a read that is not whole');
    } else if (this.#data.length > 0 && this.#holeBytes > 0) {
      throw new Error('holes of a read that failed');
    }
    return {
      ...{ cookie: this.#cookie, error: this.#error, text: this.#text, errorAt: this.#errorAt },
      ...{ data: this.#data, types: this.#types, holeBytes: this.#holeBytes },
      statuses: this.#statuses,
    };
  }

  /** @returns true: it was the last. */
  async #chunk(): Promise<boolean> {
    const { wire, form } = this.#client;
    const extended = form === 'extended';
    const header = await wire.read(extended ? 32 : 20);
    const magic = extended ? 0x6e8a278c : 0x668e33ef;
    if (header.readUInt32BE(0) !== magic) throw new Error(`no ${form} chunk`);
    const flags = header.readUInt16BE(4);
    if (flags > 1) throw new Error(`unknown chunk flags ${flags}`);
    const cookie = header.readBigUInt64BE(8);
    if (this.#types.length > 0 && cookie !== this.#cookie) throw new Error('another reply between');
    this.#cookie = cookie;
    const offset = BigInt(this.#ask.offset ?? 0);
    if (extended && header.readBigUInt64BE(16) !== offset) throw new Error('another offset');
    const length = extended ? Number(header.readBigUInt64BE(24)) : header.readUInt32BE(16);
    const type = header.readUInt16BE(6);
    this.#types.push(type);
    this.#take(type, await wire.read(length));
    if (type === ChunkType.NONE && flags !== 1) throw new Error('NONE that is not the last');
    return flags === 1;
  }

  #take(type: number, payload: Buffer): void {
    const extended = this.#client.form === 'extended';
    switch (type) {
      case ChunkType.NONE:
        if (payload.length > 0) throw new Error('NONE with a payload');
        return;
      case ChunkType.OFFSET_DATA:
        if (payload.length < 9) throw new Error('data of no bytes');
        return this.#place(payload.readBigUInt64BE(0), payload.subarray(8));
      case ChunkType.OFFSET_HOLE: {
        if (payload.length !== 12) throw new Error('a malformed hole');
        const length = payload.readUInt32BE(8);
        if (length === 0) throw new Error('a hole of no bytes');
        this.#holeBytes += length;
        return void this.#cover(payload.readBigUInt64BE(0), length);
      }
      case ChunkType.BLOCK_STATUS:
        if (extended) throw new Error('BLOCK_STATUS in extended headers');
        return this.#status(payload, 4, 8);
      case ChunkType.BLOCK_STATUS_EXT:
        if (!extended) throw new Error('BLOCK_STATUS_EXT without extended headers');
        if (payload.readUInt32BE(4) * 16 !== payload.length - 8) throw new Error('a wrong count');
        return this.#status(payload, 8, 16);
      case ChunkType.ERROR:
      case ChunkType.ERROR_OFFSET:
        return this.#failed(payload, type === ChunkType.ERROR_OFFSET);
      default:
        throw new Error(`unknown chunk type ${type}`);
    }
  }

  #place(at: bigint, data: Buffer): void {
    data.copy(this.#data, this.#cover(at, data.length));
  }

  /** @returns where in the data it begins. */
  #cover(at: bigint, length: number): number {
    const begin = Number(at - BigInt(this.#ask.offset ?? 0));
    const end = begin + length;
    if (begin < 0 || end > this.#data.length) throw new Error('outside the read');
    if (this.#covered.some((one) => begin < one.end && one.begin < end)) {
      throw new Error('bytes that came twice');
    }
    const before = this.#covered.find((one) => one.end === begin);
    if (before === undefined) this.#covered.push({ begin, end });
    else before.end = end;
    return begin;
  }

  #isWhole(): boolean {
    const bytes = this.#covered.reduce((sum, { begin, end }) => sum + end - begin, 0);
    return bytes === this.#data.length;
  }

  #status(payload: Buffer, head: number, each: number): void {
    const name = this.#client.contextName(payload.readUInt32BE(0));
    if (this.#statuses.has(name)) throw new Error(`${name} twice`);
    if (payload.length === head || (payload.length - head) % each !== 0) {
      throw new Error('no whole extents');
    }
    const extents: Extent[] = [];
    for (let at = head; at < payload.length; at += each) {
      const wide = each === 16;
      const length = wide ? Number(payload.readBigUInt64BE(at)) : payload.readUInt32BE(at);
      const status = wide ? payload.readBigUInt64BE(at + 8) : BigInt(payload.readUInt32BE(at + 4));
      if (length === 0) throw new Error('an extent of no bytes');
      extents.push({ length, status });
    }
    this.#statuses.set(name, extents);
  }

  #failed(payload: Buffer, withPlace: boolean): void {
    this.#error = payload.readUInt32BE(0);
    if (this.#error === 0) throw new Error('an error of 0');
    const length = payload.readUInt16BE(4);
    if (payload.length !== 6 + length + (withPlace ? 8 : 0)) throw new Error('a malformed error');
    this.#text = payload.toString('utf8', 6, 6 + length);
    if (!withPlace) return;
    this.#errorAt = payload.readBigUInt64BE(6 + length);
    const from = BigInt(this.#ask.offset ?? 0);
    const outside = this.#errorAt < from || this.#errorAt >= from + BigInt(this.#ask.length ?? 0);
    if (outside) throw new Error('an error outside the range');
  }
}
