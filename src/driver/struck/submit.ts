/** The last step before the hardware queue: writes that replace what a rule wants to show later wait
 *  until that was read. */

import type { Bio } from '../../block/bio.ts';
import type { HwQueue } from '../../block/hw-queue.ts';
import type { SlabAllocator } from '../../pages/allocator.ts';
import type { StruckHost } from './struck-host.ts';
import { VersionedWrite, type Versions } from './versions.ts';

/** @returns false: there was no tag for all of it; call again when the queue's pool has some. */
export function submitted(bio: Bio, hctx: HwQueue, { versions, context }: StruckHost): boolean {
  if (versions.size === 0 || bio.submitted > 0) return hctx.submit(bio);
  return behind([...versions.values()], bio, hctx, context.allocator);
}

/** @param all whoever of them wants to know what the bio replaces, one after the other. */
function behind(
  all: readonly Versions[],
  bio: Bio,
  hctx: HwQueue,
  allocator: SlabAllocator,
): boolean {
  for (const [at, versions] of all.entries()) {
    const overlap = versions.overlap(bio);
    if (overlap === undefined) continue;
    bio.park();
    const next = (write: Bio): boolean => behind(all.slice(at + 1), write, hctx, allocator);
    versions.begin(new VersionedWrite(versions, bio, hctx, allocator, overlap, next));
    return true;
  }
  return hctx.submit(bio);
}
