/** The server's half of the fixed newstyle handshake: bytes in at any cut, bytes out, until both
 *  sides agree on an export or part. No I/O. Never loses sync: an option's data are always consumed
 *  whole. Source: nbd-protocol.md section 2. */

import {
  ClientFlag,
  HandshakeFlag,
  IHAVEOPT_HIGH,
  IHAVEOPT_LOW,
  InfoType,
  NBDMAGIC_HIGH,
  NBDMAGIC_LOW,
  Option,
  OptionReply,
  TransmissionFlag,
} from './constants.ts';
import { type ExportInfo, extraInfo, infoExport, quoted } from './info.ts';
import { handshakeLimits as limits } from './limits.ts';
import {
  encodeOptionReply,
  type InfoRequest,
  OPTION_BYTES,
  parseInfoRequest,
  parseName,
} from './option.ts';
import { concat, encodeUtf8 } from './text.ts';

export interface HandshakeHost<E extends ExportInfo> {
  list(): Iterable<E>;
  /** '' is the default export. */
  find(name: string): E | undefined;
  shuttingDown(): boolean;
}

export interface Agreed<E extends ExportInfo> {
  readonly export: E;
  /** As they were sent. */
  readonly flags: number;
  readonly structuredReplies: boolean;
  readonly noZeroes: boolean;
  /** The client asked for the block sizes in GO, and so promised to keep to them. */
  readonly blockSizeNegotiated: boolean;
}

/** `output` is to be sent in every case; `consumed` bytes were taken. */
export type HandshakeProgress<E extends ExportInfo> =
  | { readonly state: 'haggling'; readonly consumed: number; readonly output: Uint8Array }
  | {
      readonly state: 'transmission';
      readonly consumed: number;
      readonly output: Uint8Array;
      readonly agreed: Agreed<E>;
    }
  | {
      readonly state: 'closed';
      readonly consumed: number;
      readonly output: Uint8Array;
      readonly reason: string;
      /** The client asked for it. */
      readonly orderly: boolean;
    };

type End<E extends ExportInfo> =
  | { readonly agreed: Agreed<E> }
  | { readonly reason: string; readonly orderly: boolean };

const NO_DATA = new Uint8Array(0);
const CLIENT_FLAGS_BYTES = 4;

export class ServerHandshake<E extends ExportInfo> {
  readonly #host: HandshakeHost<E>;
  /** Bytes of the header or the option that is not there whole. */
  #pending: Uint8Array = NO_DATA;
  #output: Uint8Array[] = [];
  #clientFlags: number | undefined;
  #structuredReplies = false;
  #bytes = 0;
  #options = 0;
  /** Of an option that is too long to be looked at: bytes still to throw away. */
  #drainLeft = 0;
  #drainedOption = 0;
  #end: End<E> | undefined;

  constructor(host: HandshakeHost<E>) {
    this.#host = host;
  }

  /** The first 18 bytes, sent before anything is received. */
  greeting(): Uint8Array {
    const view = new DataView(new ArrayBuffer(18));
    view.setUint32(0, NBDMAGIC_HIGH);
    view.setUint32(4, NBDMAGIC_LOW);
    view.setUint32(8, IHAVEOPT_HIGH);
    view.setUint32(12, IHAVEOPT_LOW);
    view.setUint16(16, HandshakeFlag.FIXED_NEWSTYLE | HandshakeFlag.NO_ZEROES);
    return new Uint8Array(view.buffer);
  }

  /** Takes bytes[start, end) as far as they belong to the handshake. */
  receive(bytes: Uint8Array, start: number, end: number): HandshakeProgress<E> {
    const kept = this.#pending.length;
    const window = concat([this.#pending, bytes.subarray(start, end)]);
    let at = 0;
    while (this.#end === undefined) {
      const took = this.#step(window, at);
      if (took === 0) break;
      at += took;
    }
    const output = concat(this.#output);
    this.#output = [];
    if (this.#end === undefined) {
      this.#pending = window.slice(at);
      return { state: 'haggling', consumed: end - start, output };
    }
    const consumed = at - kept;
    if ('agreed' in this.#end) return { state: 'transmission', consumed, output, ...this.#end };
    return { state: 'closed', consumed: end - start, output, ...this.#end };
  }

  /** One step at `at`. @returns the bytes that it took; 0 = not enough are there. */
  #step(window: Uint8Array, at: number): number {
    const there = window.length - at;
    if (this.#drainLeft > 0) return this.#drain(there);
    const view = new DataView(window.buffer, window.byteOffset, window.byteLength);
    if (this.#clientFlags === undefined) {
      if (there < CLIENT_FLAGS_BYTES) return 0;
      this.#takeClientFlags(view.getUint32(at));
      return CLIENT_FLAGS_BYTES;
    }
    if (there < OPTION_BYTES) return 0;
    if (view.getUint32(at) !== IHAVEOPT_HIGH || view.getUint32(at + 4) !== IHAVEOPT_LOW) {
      this.#close('bytes that are no option (wrong magic)');
      return there;
    }
    const option = view.getUint32(at + 8);
    const length = view.getUint32(at + 12);
    if (length > limits.optionBytesDrained.max) {
      this.#close(`an option of ${length} bytes`);
      return there;
    }
    if (length > limits.optionBytes.max) {
      if (!this.#count(OPTION_BYTES + length)) return there;
      this.#drainLeft = length;
      this.#drainedOption = option;
      return OPTION_BYTES;
    }
    if (there < OPTION_BYTES + length) return 0;
    if (!this.#count(OPTION_BYTES + length)) return there;
    this.#takeOption(option, window.subarray(at + OPTION_BYTES, at + OPTION_BYTES + length));
    return OPTION_BYTES + length;
  }

  #count(bytes: number): boolean {
    this.#bytes += bytes;
    this.#options++;
    if (this.#bytes <= limits.bytesInAll.max && this.#options <= limits.options.max) return true;
    this.#close('too much haggling');
    return false;
  }

  #drain(there: number): number {
    const took = Math.min(there, this.#drainLeft);
    this.#drainLeft -= took;
    if (this.#drainLeft === 0) this.#tooLong(this.#drainedOption);
    return took;
  }

  /** An option above 64 KiB: all that know their grammar cannot be so long. */
  #tooLong(option: number): void {
    if (option === Option.ABORT) {
      this.#abort();
    } else if (option === Option.EXPORT_NAME) {
      this.#close('an export name that is too long');
    } else if (this.#host.shuttingDown()) {
      this.#refuse(option, OptionReply.ERR_SHUTDOWN, 'the server is shutting down');
    } else if (served.has(option)) {
      this.#refuse(option, OptionReply.ERR_TOO_BIG, 'the option is too long');
    } else {
      this.#refuse(option, OptionReply.ERR_UNSUP, 'the option is not supported');
    }
  }

  #takeClientFlags(flags: number): void {
    const known = ClientFlag.FIXED_NEWSTYLE | ClientFlag.NO_ZEROES;
    if ((flags & ~known) !== 0) this.#close(`unknown client flags 0x${flags.toString(16)}`);
    this.#clientFlags = flags;
  }

  #takeOption(option: number, data: Uint8Array): void {
    if (option === Option.EXPORT_NAME) return this.#exportName(data);
    if (((this.#clientFlags ?? 0) & ClientFlag.FIXED_NEWSTYLE) === 0) {
      return this.#close('an option of a client that cannot have learnt of options');
    }
    if (option === Option.ABORT) return this.#abort();
    if (this.#host.shuttingDown()) {
      return this.#refuse(option, OptionReply.ERR_SHUTDOWN, 'the server is shutting down');
    }
    switch (option) {
      case Option.LIST:
        return this.#list(data);
      case Option.STRUCTURED_REPLY:
        return this.#structuredReply(data);
      case Option.INFO:
      case Option.GO:
        return this.#info(option, parseInfoRequest(data));
      default:
        return this.#refuse(option, OptionReply.ERR_UNSUP, 'the option is not supported');
    }
  }

  #abort(): void {
    this.#reply(Option.ABORT, OptionReply.ACK);
    this.#end = { reason: 'the client aborted the handshake', orderly: true };
  }

  #list(data: Uint8Array): void {
    if (data.length > 0) {
      return this.#refuse(Option.LIST, OptionReply.ERR_INVALID, 'LIST has no data');
    }
    for (const { name, description } of this.#host.list()) {
      const bytes = encodeUtf8(name);
      const head = new DataView(new ArrayBuffer(4));
      head.setUint32(0, bytes.length);
      const text = description === undefined ? NO_DATA : encodeUtf8(description);
      this.#reply(
        Option.LIST,
        OptionReply.SERVER,
        concat([new Uint8Array(head.buffer), bytes, text]),
      );
    }
    this.#reply(Option.LIST, OptionReply.ACK);
  }

  #structuredReply(data: Uint8Array): void {
    if (data.length > 0 || this.#structuredReplies) {
      const why = data.length > 0 ? 'STRUCTURED_REPLY has no data' : 'already agreed';
      return this.#refuse(Option.STRUCTURED_REPLY, OptionReply.ERR_INVALID, why);
    }
    this.#structuredReplies = true;
    this.#reply(Option.STRUCTURED_REPLY, OptionReply.ACK);
  }

  #info(option: number, request: InfoRequest | undefined): void {
    if (request === undefined) {
      return this.#refuse(option, OptionReply.ERR_INVALID, 'the option is malformed');
    }
    const found = this.#host.find(request.name);
    if (found === undefined) {
      const text = `there is no export '${quoted(request.name)}'`;
      return this.#refuse(option, OptionReply.ERR_UNKNOWN, text);
    }
    const flags = this.#flagsOf(found);
    this.#reply(option, OptionReply.INFO, infoExport(found, flags));
    for (const type of new Set(request.types)) {
      const info = extraInfo(type, found);
      if (info !== undefined) this.#reply(option, OptionReply.INFO, info);
    }
    this.#reply(option, OptionReply.ACK);
    if (option === Option.GO) this.#agree(found, request.types.includes(InfoType.BLOCK_SIZE));
  }

  /** Success has no option reply, and for failure there is no reply at all. */
  #exportName(data: Uint8Array): void {
    const name = parseName(data);
    const found = name === undefined ? undefined : this.#host.find(name);
    if (found === undefined || this.#host.shuttingDown()) {
      const why = name === undefined ? 'a malformed export name' : 'an export that is not there';
      return this.#close(`EXPORT_NAME with ${why}`);
    }
    const noZeroes = ((this.#clientFlags ?? 0) & ClientFlag.NO_ZEROES) !== 0;
    const view = new DataView(new ArrayBuffer(noZeroes ? 10 : 134));
    view.setBigUint64(0, BigInt(found.size));
    view.setUint16(8, this.#flagsOf(found));
    this.#output.push(new Uint8Array(view.buffer));
    this.#agree(found, false);
  }

  #flagsOf(found: E): number {
    return this.#structuredReplies ? found.flags : found.flags & ~TransmissionFlag.SEND_DF;
  }

  #agree(found: E, blockSizeNegotiated: boolean): void {
    this.#end = {
      agreed: {
        export: found,
        flags: this.#flagsOf(found),
        structuredReplies: this.#structuredReplies,
        noZeroes: ((this.#clientFlags ?? 0) & ClientFlag.NO_ZEROES) !== 0,
        blockSizeNegotiated,
      },
    };
  }

  #reply(option: number, type: number, data: Uint8Array = NO_DATA): void {
    this.#output.push(encodeOptionReply(option, type, data));
  }

  #refuse(option: number, type: number, text: string): void {
    this.#reply(option, type, encodeUtf8(text));
  }

  #close(reason: string): void {
    this.#end = { reason, orderly: false };
  }
}

/** Options that are known; all others are UNSUP, whatever their length. */
const served: ReadonlySet<number> = new Set([
  Option.EXPORT_NAME,
  Option.ABORT,
  Option.LIST,
  Option.INFO,
  Option.GO,
  Option.STRUCTURED_REPLY,
]);
