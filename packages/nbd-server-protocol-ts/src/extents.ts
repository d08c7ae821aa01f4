/** Extents of block status, and which of a handler's extents are sent. Source: nbd-protocol.md section 3.5. */

/** A range that has one status in one metadata context. */
export interface Extent {
  /** Bytes, at least one. */
  readonly length: number;
  /** The lower 32 bits of the status: `AllocationFlag`s in `base:allocation`, else what the context says. */
  readonly flags: number;
  /** Its upper 32 bits, in contexts that need 64. @default 0 */
  readonly flagsHigh?: number;
}

/** No more are sent: a client that needs the rest asks again. */
const EXTENTS_MAX = 2 ** 17;

/** Merges neighbours of one status, and leaves out extents that begin behind `length` bytes and what is
 *  beyond `most`. An extent above `extentMax` is cut, and is then the last.
 *  @returns undefined when there is nothing to tell: an extent without a length, or none at all. */
export function extentsToTell(
  given: readonly Extent[],
  length: number,
  most: number,
  extentMax: number,
  single: boolean,
): readonly Required<Extent>[] | undefined {
  const told: { length: number; flags: number; flagsHigh: number }[] = [];
  let at = 0;
  for (const { length: bytes, flags, flagsHigh = 0 } of given) {
    if (!Number.isSafeInteger(bytes) || bytes <= 0) return undefined;
    let last = told.at(-1);
    if (last === undefined || last.flags !== flags || last.flagsHigh !== flagsHigh) {
      if (at >= length || told.length === (single ? 1 : EXTENTS_MAX)) break;
      last = { length: 0, flags, flagsHigh };
      told.push(last);
    }
    const part = Math.min(bytes, most - at);
    at += part;
    last.length += part;
    if (last.length > extentMax) {
      last.length = extentMax;
      break;
    }
  }
  return told.length === 0 ? undefined : told;
}
