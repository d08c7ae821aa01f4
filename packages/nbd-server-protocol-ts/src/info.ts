/** What INFO and GO report about an export. Source: nbd-protocol.md section 2.2. */

import { InfoType } from './constants.ts';
import { handshakeLimits as limits } from './limits.ts';
import { concat, encodeUtf8 } from './text.ts';

export interface ExportInfo {
  readonly name: string;
  /** Bytes. */
  readonly size: number | bigint;
  /** Transmission flags. Left out where nothing was agreed that gives them a meaning: SEND_DF without
   *  structured replies, BLOCK_STATUS_PAYLOAD without extended headers and a selected context. */
  readonly flags: number;
  readonly description?: string;
  /** Clients without TLS do not get it, and do not see it in a list. */
  readonly tlsOnly?: boolean;
  /** Bytes. */
  readonly blockSize: {
    readonly minimum: number;
    readonly preferred: number;
    readonly maximumPayload: number;
  };
}

/** The data of INFO for the export itself, which every INFO and GO is answered with. */
export function infoExport(found: ExportInfo, flags: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(12));
  view.setUint16(0, InfoType.EXPORT);
  view.setBigUint64(2, BigInt(found.size));
  view.setUint16(10, flags);
  return new Uint8Array(view.buffer);
}

/** What a client asked for beside EXPORT. @returns undefined for types that we do not know or have. */
export function extraInfo(type: number, found: ExportInfo): Uint8Array | undefined {
  switch (type) {
    case InfoType.NAME:
      return textInfo(type, found.name);
    case InfoType.DESCRIPTION:
      return found.description === undefined ? undefined : textInfo(type, found.description);
    case InfoType.BLOCK_SIZE: {
      const view = new DataView(new ArrayBuffer(14));
      view.setUint16(0, type);
      view.setUint32(2, found.blockSize.minimum);
      view.setUint32(6, found.blockSize.preferred);
      view.setUint32(10, found.blockSize.maximumPayload);
      return new Uint8Array(view.buffer);
    }
    default:
      return undefined;
  }
}

function textInfo(type: number, text: string): Uint8Array {
  return concat([new Uint8Array([0, type]), encodeUtf8(text)]);
}

/** A name that came from a client, for an error's text: short enough, and without characters that could drive the
 *  terminal which shows it. */
export function quoted(name: string): string {
  const { max } = limits.quotedNameCharacters;
  const safe = name.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '?');
  // Half of a surrogate pair is no character.
  return safe.length <= max ? safe : `${safe.slice(0, max).replace(/[\uD800-\uDBFF]$/, '')}...`;
}
