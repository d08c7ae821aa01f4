/** How an export of a `ServerConnection` looks in the handshake. */

import { TransmissionFlag as Flag } from './constants.ts';
import type { OfferedContext } from './contexts.ts';
import { type ExportInfo, quoted } from './info.ts';
import { transmissionLimits } from './limits.ts';
import { parseName } from './option.ts';
import type { ServerConnectionOptions, ServerExport } from './server-options.ts';
import { encodeUtf8 } from './text.ts';

/** The export as the user gave it, and as the handshake tells it. */
export interface Offered<E extends ServerExport> extends ExportInfo {
  readonly source: E;
  readonly size: number;
}

const KiB = 1024;

/** @throws RangeError for an export that cannot be served. */
export function offered<E extends ServerExport>(
  source: E,
  options: ServerConnectionOptions<E>,
): Offered<E> {
  const { name, size, description, tlsOnly = false } = source;
  const wrong = (what: string): never => {
    throw new RangeError(`export '${quoted(name)}': ${what}`);
  };
  if (!Number.isSafeInteger(size) || size < 0) wrong(`a size of ${size} bytes`);
  if (!isName(name)) wrong('a name that holds a NUL, or has more than 4096 bytes');
  if (!isName(description ?? '')) wrong('a description that is too long, or holds a NUL');
  const blockSize = { minimum: 1, preferred: 4 * KiB, maximumPayload: 32 * KiB * KiB };
  Object.assign(blockSize, source.blockSize);
  blockSize.preferred = Math.max(blockSize.preferred, blockSize.minimum);
  const { minimum, preferred, maximumPayload } = blockSize;
  const fine =
    isPowerOfTwo(minimum) &&
    minimum <= 64 * KiB &&
    isPowerOfTwo(preferred) &&
    preferred >= 512 &&
    maximumPayload >= preferred &&
    maximumPayload <= transmissionLimits.payloadDrained.max;
  if (!fine) wrong(`block sizes of ${minimum}, ${preferred} and ${maximumPayload} bytes`);
  if (size % minimum !== 0) wrong(`a size that is not a multiple of ${minimum} bytes`);
  for (const context of contextsOf(source)) {
    if (!isName(context.name) || !context.name.includes(':')) {
      wrong(`a context '${quoted(context.name)}', which is not a namespace:leaf`);
    }
  }
  const flags = flagsOf(source, options);
  const text = description === undefined ? {} : { description };
  return { source, name, size, flags, tlsOnly, blockSize, ...text };
}

/** The metadata contexts of an export. */
export function contextsOf({ contexts = ['base:allocation'] }: ServerExport): OfferedContext[] {
  return contexts.map((one) => (typeof one === 'string' ? { name: one, needs64Bits: false } : one));
}

function flagsOf<E extends ServerExport>(source: E, options: ServerConnectionOptions<E>): number {
  const { write, flush, trim, zeroes, cache, blockStatus, fastZeroes } = options;
  let flags: number = Flag.HAS_FLAGS | Flag.SEND_DF;
  const may = (flag: number, condition: boolean): void => {
    if (condition) flags |= flag;
  };
  const writable = write !== undefined && source.readOnly !== true;
  may(Flag.READ_ONLY, !writable);
  may(Flag.SEND_FLUSH | Flag.SEND_FUA, flush !== undefined);
  may(Flag.SEND_TRIM, writable && trim !== undefined);
  may(Flag.SEND_WRITE_ZEROES, writable && zeroes !== undefined);
  may(Flag.SEND_FAST_ZERO, writable && zeroes !== undefined && fastZeroes === true);
  may(Flag.SEND_CACHE, cache !== undefined);
  may(Flag.BLOCK_STATUS_PAYLOAD, blockStatus !== undefined);
  may(Flag.CAN_MULTI_CONN, source.multiConn === true);
  may(Flag.ROTATIONAL, source.rotational === true);
  return flags;
}

function isName(text: string): boolean {
  return parseName(encodeUtf8(text)) !== undefined;
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(value) && value > 0 && Number.isInteger(Math.log2(value));
}
