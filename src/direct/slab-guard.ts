/** Keeps a store apart from other threads, which read and write the bytes of its slabs themselves. */

import type { Slab } from '../pages/slab.ts';

export interface SlabGuard {
  /** Nobody else reads or writes the slab of extent `index` until `unlock`. */
  lock(index: number): void;
  /** @param slab what the extent has from now on. @param isOwned nobody else has it as well. */
  unlock(index: number, slab: Slab | undefined, isOwned: boolean): void;
}
