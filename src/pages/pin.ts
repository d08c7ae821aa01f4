/** Pins: a slab that a socket still sends from does not change and is not used again.
 *  Knows no sockets and no tables. Source: docs/architecture.md, Memory. */

import { bug } from '../units.ts';
import type { SlabAllocator } from './allocator.ts';
import { SLAB_BYTES, type Slab } from './slab.ts';

/** What holes look like: SLAB_BYTES of zeros, shared by all, never written, in need of no pin. */
export const zeroView: Uint8Array = new Uint8Array(SLAB_BYTES);

let ones: Uint8Array | undefined;

/** SLAB_BYTES of 0xFF, what lies behind a zone's write pointer; made when first asked for. */
export function onesView(): Uint8Array {
  ones ??= new Uint8Array(SLAB_BYTES).fill(0xff);
  return ones;
}

/** Somebody reads the slab's bytes until the matching `unpin`. */
export function pin(slab: Slab): void {
  slab.pins++;
}

/** One reader less; the last one sends a retired slab home. */
export function unpin(slab: Slab, allocator: SlabAllocator): void {
  if (slab.pins === 0) bug('a slab was unpinned more often than pinned');
  slab.pins--;
  if (slab.pins === 0 && slab.retired) allocator.give(slab);
}

/** The slab has left its table: it goes home now, or with its last pin. */
export function retire(slab: Slab, allocator: SlabAllocator): void {
  if (slab.retired) bug('a slab was retired twice');
  slab.retired = true;
  if (slab.pins === 0) allocator.give(slab);
}
