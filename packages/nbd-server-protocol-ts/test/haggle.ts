/** A client's side of the handshake for the tests, and exports to haggle about. */

import {
  type Agreed,
  decodeOptionReply,
  type ExportInfo,
  encodeContextRequest,
  encodeOption,
  type HandshakeHost,
  type HandshakeOptions,
  type OfferedContext,
  ServerHandshake,
} from '../src/index.ts';

export const FIXED = new Uint8Array([0, 0, 0, 1]);
export const FIXED_NO_ZEROES = new Uint8Array([0, 0, 0, 3]);
export const NOTHING = new Uint8Array(0);

export const disk: ExportInfo = {
  name: 'disk',
  size: 2 ** 40 + 512,
  flags: 0x1ed,
  description: 'a disk',
  blockSize: { minimum: 512, preferred: 4096, maximumPayload: 2 ** 26 },
};
export const other: ExportInfo = { ...disk, name: 'ü/ber', size: 512 };

/** Only on request: the tests count the answers of LIST. */
export const secret: ExportInfo = { ...disk, name: 'secret', tlsOnly: true };

export const contexts: readonly OfferedContext[] = [
  { name: 'base:allocation', needs64Bits: false },
  { name: 'x-tnull:zone32', needs64Bits: false },
  { name: 'x-tnull:zone', needs64Bits: true },
];

export interface HostOptions extends HandshakeOptions {
  readonly down?: boolean;
  readonly secret?: boolean;
  readonly contexts?: boolean;
  /** Further exports. */
  readonly also?: readonly ExportInfo[];
}

export function host(options: HostOptions = {}): HandshakeHost<ExportInfo> {
  const hidden = options.secret === true ? [secret] : [];
  const exports = [disk, other, ...hidden, ...(options.also ?? [])];
  const offered = {
    contexts: (of: ExportInfo) => (of === other ? contexts.slice(0, 1) : contexts),
  };
  return {
    list: () => exports,
    find: (name) => (name === '' ? disk : exports.find((one) => one.name === name)),
    shuttingDown: () => options.down === true,
    ...(options.contexts === true ? offered : {}),
  };
}

export interface Outcome {
  readonly state: 'haggling' | 'transmission' | 'starttls' | 'closed';
  readonly output: Buffer;
  /** Bytes that were left over for the next reader. */
  readonly rest: Buffer;
  readonly agreed: Agreed<ExportInfo> | undefined;
  readonly reason: string | undefined;
  readonly orderly: boolean | undefined;
  /** To go on with it after STARTTLS. */
  readonly handshake: ServerHandshake<ExportInfo>;
}

export function concat(parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(parts);
}

/** Feeds `bytes` in pieces that end at `cuts`, and at the end. */
export function haggle(
  bytes: Uint8Array,
  cuts: readonly number[] = [],
  options: HostOptions = {},
): Outcome {
  return feed(new ServerHandshake(host(options), options), bytes, cuts);
}

export function feed(
  handshake: ServerHandshake<ExportInfo>,
  bytes: Uint8Array,
  cuts: readonly number[] = [],
): Outcome {
  const outputs: Uint8Array[] = [];
  const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
  let at = 0;
  for (const end of ends) {
    const progress = handshake.receive(bytes, at, Math.max(at, end));
    outputs.push(progress.output);
    at += progress.consumed;
    if (progress.state === 'haggling') continue;
    return {
      state: progress.state,
      output: concat(outputs),
      rest: Buffer.from(bytes.subarray(at)),
      agreed: progress.state === 'transmission' ? progress.agreed : undefined,
      reason: progress.state === 'closed' ? progress.reason : undefined,
      orderly: progress.state === 'closed' ? progress.orderly : undefined,
      handshake,
    };
  }
  const unset = { agreed: undefined, reason: undefined, orderly: undefined };
  const output = concat(outputs);
  return { state: 'haggling', output, rest: Buffer.alloc(0), ...unset, handshake };
}

/** Every option reply in `output`, as [option, type, data]. */
export function replies(output: Uint8Array): (readonly [number, number, Buffer])[] {
  const found: (readonly [number, number, Buffer])[] = [];
  for (let left = output; left.length > 0; ) {
    const reply = decodeOptionReply(left);
    if (reply === undefined) throw new Error(`half a reply: ${Buffer.from(left).toString('hex')}`);
    found.push([reply.option, reply.type, Buffer.from(reply.data)]);
    left = left.subarray(reply.bytes);
  }
  return found;
}

/** The types of all replies. */
export function types(output: Uint8Array): number[] {
  return replies(output).map(([, type]) => type);
}

/** The data of an INFO or GO for `name`, asking for `infos`. */
export function infoData(name: string | Uint8Array, infos: readonly number[] = []): Buffer {
  const bytes = typeof name === 'string' ? Buffer.from(name) : name;
  const data = Buffer.alloc(6 + bytes.length + 2 * infos.length);
  data.writeUInt32BE(bytes.length, 0);
  data.set(bytes, 4);
  data.writeUInt16BE(infos.length, 4 + bytes.length);
  infos.forEach((info, i) => {
    data.writeUInt16BE(info, 6 + bytes.length + 2 * i);
  });
  return data;
}

/** An option whose header claims `length` bytes, whatever `data` is. */
export function lyingOption(option: number, length: number, data: Uint8Array): Buffer {
  const bytes = Buffer.from(encodeOption(option, data));
  bytes.writeUInt32BE(length, 12);
  return bytes;
}

/** One option with a text as its data, or none. */
export function option(number: number, data: Uint8Array | string = NOTHING): Uint8Array {
  return encodeOption(number, typeof data === 'string' ? Buffer.from(data) : data);
}

/** Client flags and options. */
export function said(...options: readonly Uint8Array[]): Buffer {
  return concat([FIXED_NO_ZEROES, ...options]);
}

/** A LIST_META_CONTEXT or SET_META_CONTEXT. */
export function contextOption(
  number: number,
  exportName: string,
  ...queries: string[]
): Uint8Array {
  return encodeOption(number, encodeContextRequest({ exportName, queries }));
}

/** Hexadecimal digits with spaces anywhere. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

/** Every way to cut `length` bytes in two, in single bytes, and not at all. */
export function allCuts(length: number): number[][] {
  const each = Array.from({ length }, (_, i) => i);
  return [[], each, ...each.map((at) => [at])];
}
