/** Pins: a slab that a socket still sends from, or that several holders have, does not change and is not used
 *  again. Knows no sockets and no holders: see layers.ts. Source: docs/architecture.md, Memory. */

import { bug } from '../units.ts';
import type { SlabAllocator } from './allocator.ts';
import { SLAB_BYTES, type Slab } from './slab.ts';

/** The content of holes: SLAB_BYTES of zeros, shared by all, never written, never pinned. */
export const zeroView: Uint8Array = new Uint8Array(SLAB_BYTES);

let ones: Uint8Array | undefined;

/** SLAB_BYTES of 0xFF, the content behind a zone's write pointer; made on first use. */
export function onesView(): Uint8Array {
  ones ??= new Uint8Array(SLAB_BYTES).fill(0xff);
  return ones;
}

/** The slab has a reader until the matching `unpin`. */
export function pin(slab: Slab): void {
  slab.pins++;
}

/** One reader less; the last one sends a retired slab home. */
export function unpin(slab: Slab, allocator: SlabAllocator): void {
  if (slab.pins === 0) bug('a slab was unpinned more often than pinned');
  slab.pins--;
  if (slab.pins === 0 && slab.retired) allocator.give(slab);
}
