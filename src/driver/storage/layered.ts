/** Reads what a slab shows that lies upon others: its own pages and theirs, in runs of one slab.
 *  Source: crash.md section 1. */

import { copyBytes } from '../../pages/copy-bytes.ts';
import { sourceOf } from '../../pages/layers.ts';
import { PAGE_BYTES, type Slab } from '../../pages/slab.ts';
import type { PageViews } from '../../pages/views.ts';

/** Reads `count` bytes from byte `at` of the slab on into `target` from `to` on. */
export function readLayers(
  slab: Slab,
  at: number,
  count: number,
  target: Uint8Array,
  to: number,
): void {
  const end = at + count;
  for (let from = at; from < end; ) {
    const source = sourceAt(slab, from);
    const upTo = runEnd(slab, source, from, end);
    copyBytes(target, source.bytes.subarray(from, upTo), to + from - at);
    from = upTo;
  }
}

/** Appends the bytes [at, end) of the slab as views. */
export function viewLayers(slab: Slab, at: number, end: number, into: PageViews): void {
  for (let from = at; from < end; ) {
    const source = sourceAt(slab, from);
    const upTo = runEnd(slab, source, from, end);
    into.add(source, from, upTo);
    from = upTo;
  }
}

/** Behind the bytes from `from` on that lie in `source`. */
function runEnd(slab: Slab, source: Slab, from: number, end: number): number {
  let upTo = (Math.trunc(from / PAGE_BYTES) + 1) * PAGE_BYTES;
  while (upTo < end && sourceAt(slab, upTo) === source) upTo += PAGE_BYTES;
  return Math.min(upTo, end);
}

function sourceAt(slab: Slab, byte: number): Slab {
  return sourceOf(slab, Math.trunc(byte / PAGE_BYTES));
}
