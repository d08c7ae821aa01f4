/** What a client learns of an export from LIST, INFO and GO. Source: nbd-protocol.md sections 2.3, 2.4. */

import { InfoType, OptionReply } from './constants.ts';
import { parseName } from './option.ts';

/** One line of a LIST. */
export interface ListedExport {
  readonly name: string;
  /** '' where the server has none. */
  readonly description: string;
}

/** An export as the server described it. */
export interface ExportDescription {
  /** Bytes. */
  size: bigint;
  /** Transmission flags. */
  flags: number;
  /** The canonical name, where the server told it. */
  name?: string;
  description?: string;
  /** Bytes, where the server told them. */
  blockSize?: {
    readonly minimum: number;
    readonly preferred: number;
    readonly maximumPayload: number;
  };
}

/** @returns undefined when `data` is no SERVER reply. */
export function parseListed(data: Uint8Array): ListedExport | undefined {
  if (data.length < 4) return undefined;
  const end = 4 + viewOf(data).getUint32(0);
  if (end > data.length) return undefined;
  const name = parseName(data.subarray(4, end));
  const description = parseName(data.subarray(end));
  return name === undefined || description === undefined ? undefined : { name, description };
}

/** Puts what an INFO reply tells into `into`. @returns false when it is malformed. */
export function takeInfo(data: Uint8Array, into: ExportDescription): boolean {
  if (data.length < 2) return false;
  const view = viewOf(data);
  switch (view.getUint16(0)) {
    case InfoType.EXPORT:
      if (data.length !== 12) return false;
      into.size = view.getBigUint64(2);
      into.flags = view.getUint16(10);
      return true;
    case InfoType.NAME:
    case InfoType.DESCRIPTION: {
      const text = parseName(data.subarray(2));
      if (text === undefined) return false;
      if (view.getUint16(0) === InfoType.NAME) into.name = text;
      else into.description = text;
      return true;
    }
    case InfoType.BLOCK_SIZE:
      if (data.length !== 14) return false;
      into.blockSize = {
        minimum: view.getUint32(2),
        preferred: view.getUint32(6),
        maximumPayload: view.getUint32(10),
      };
      return true;
    default:
      return true; // what we do not know was not asked for, and may be sent
  }
}

/** The name that the protocol gives to the type of an option reply. */
export function optionReplyName(type: number): string {
  for (const [name, number] of Object.entries(OptionReply)) if (number === type) return name;
  return `reply type 0x${type.toString(16)}`;
}

function viewOf(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}
