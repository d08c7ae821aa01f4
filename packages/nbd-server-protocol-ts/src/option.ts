/** Options and their replies, in both directions, and the grammar of INFO and GO.
 *  Source: nbd-protocol.md sections 2 to 2.4. */

import {
  IHAVEOPT_HIGH,
  IHAVEOPT_LOW,
  OPTION_REPLY_MAGIC_HIGH,
  OPTION_REPLY_MAGIC_LOW,
  STRING_BYTES_MAX,
} from './constants.ts';
import { decodeUtf8, encodeUtf8 } from './text.ts';

export const OPTION_BYTES = 16;
export const OPTION_REPLY_BYTES = 20;

/** The request of an INFO or GO. */
export interface InfoRequest {
  readonly name: string;
  readonly types: readonly number[];
}

/** @returns undefined when `data` is not exactly name length, name, count and so many types. */
export function parseInfoRequest(data: Uint8Array): InfoRequest | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data.length < 6) return undefined;
  const nameLength = view.getUint32(0);
  if (nameLength > data.length - 6 || nameLength > STRING_BYTES_MAX) return undefined;
  const name = parseName(data.subarray(4, 4 + nameLength));
  const count = view.getUint16(4 + nameLength);
  if (name === undefined || data.length !== 6 + nameLength + 2 * count) return undefined;
  const types = Array.from({ length: count }, (_, i) => view.getUint16(6 + nameLength + 2 * i));
  return { name, types };
}

/** @returns undefined for a name that is too long, holds a NUL or is not UTF-8. */
export function parseName(bytes: Uint8Array): string | undefined {
  if (bytes.length > STRING_BYTES_MAX || bytes.includes(0)) return undefined;
  return decodeUtf8(bytes);
}

/** One option as a client sends it. */
export function encodeOption(option: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(OPTION_BYTES + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, IHAVEOPT_HIGH);
  view.setUint32(4, IHAVEOPT_LOW);
  view.setUint32(8, option);
  view.setUint32(12, data.length);
  bytes.set(data, OPTION_BYTES);
  return bytes;
}

/** One reply to an option as a server sends it. */
export function encodeOptionReply(option: number, type: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(OPTION_REPLY_BYTES + data.length);
  placeOptionReply(new DataView(bytes.buffer), 0, option, type, data.length);
  bytes.set(data, OPTION_REPLY_BYTES);
  return bytes;
}

/** Writes what stands before `length` bytes of data. */
export function placeOptionReply(
  view: DataView,
  at: number,
  option: number,
  type: number,
  length: number,
): void {
  view.setUint32(at, OPTION_REPLY_MAGIC_HIGH);
  view.setUint32(at + 4, OPTION_REPLY_MAGIC_LOW);
  view.setUint32(at + 8, option);
  view.setUint32(at + 12, type);
  view.setUint32(at + 16, length);
}

/** The data of an INFO or GO. */
export function encodeInfoRequest({ name, types }: InfoRequest): Uint8Array {
  const bytes = encodeUtf8(name);
  const data = new Uint8Array(6 + bytes.length + 2 * types.length);
  const view = new DataView(data.buffer);
  view.setUint32(0, bytes.length);
  data.set(bytes, 4);
  view.setUint16(4 + bytes.length, types.length);
  types.forEach((type, i) => {
    view.setUint16(6 + bytes.length + 2 * i, type);
  });
  return data;
}

export interface DecodedOptionReply {
  readonly option: number;
  readonly type: number;
  readonly data: Uint8Array;
  /** Bytes of the whole reply. */
  readonly bytes: number;
}

/** The reply at the beginning of `bytes`. @returns undefined when it is not all there.
 *  @throws when the magic is wrong. */
export function decodeOptionReply(bytes: Uint8Array): DecodedOptionReply | undefined {
  if (bytes.length < OPTION_REPLY_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (
    view.getUint32(0) !== OPTION_REPLY_MAGIC_HIGH ||
    view.getUint32(4) !== OPTION_REPLY_MAGIC_LOW
  ) {
    throw new Error('this is not a reply to an option');
  }
  const end = OPTION_REPLY_BYTES + view.getUint32(16);
  if (bytes.length < end) return undefined;
  const data = bytes.slice(OPTION_REPLY_BYTES, end);
  return { option: view.getUint32(8), type: view.getUint32(12), data, bytes: end };
}
