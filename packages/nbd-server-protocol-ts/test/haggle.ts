/** A client's side of the handshake for the tests, and exports to haggle about. */

import {
  type Agreed,
  decodeOptionReply,
  type ExportInfo,
  encodeOption,
  type HandshakeHost,
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

export function host(down = false): HandshakeHost<ExportInfo> {
  const exports = [disk, other];
  return {
    list: () => exports,
    find: (name) => (name === '' ? disk : exports.find((one) => one.name === name)),
    shuttingDown: () => down,
  };
}

export interface Outcome {
  readonly state: 'haggling' | 'transmission' | 'closed';
  readonly output: Buffer;
  /** Bytes that were left over for whoever comes next. */
  readonly rest: Buffer;
  readonly agreed: Agreed<ExportInfo> | undefined;
  readonly reason: string | undefined;
  readonly orderly: boolean | undefined;
}

export function concat(parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(parts);
}

/** Feeds `bytes` in pieces that end at `cuts`, and at the end. */
export function haggle(bytes: Uint8Array, cuts: readonly number[] = [], down = false): Outcome {
  const handshake = new ServerHandshake(host(down));
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
    };
  }
  const unset = { agreed: undefined, reason: undefined, orderly: undefined };
  return { state: 'haggling', output: concat(outputs), rest: Buffer.alloc(0), ...unset };
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
