/** The steps of a device's path in their order, composed so that an unused feature costs nothing.
 *  Source: driver.md section 3; docs/architecture.md, Gate and path. */

import { Status } from '../block/status.ts';
import type { DeviceOptions } from '../config/parameters.ts';
import { SECTOR_BYTES } from '../units.ts';
import { badBlocksStep } from './badblocks.ts';
import type { NullOwned } from './completion.ts';
import type { Parts } from './parts.ts';
import { discardGuard, fillRead, nullStep, type Step, storeStep } from './path.ts';
import { cacheStep } from './storage/cache-step.ts';
import type { PageStore } from './storage/page-store.ts';
import type { WriteCache } from './storage/write-cache.ts';
import { zoneReadClip } from './zones/read-clip.ts';
import { type OnRefused, zoneRules } from './zones/zone-rules.ts';
import type { ZoneSet } from './zones/zone-set.ts';

/** The parts of a powered device that its path needs. */
export interface Pathed {
  readonly options: DeviceOptions;
  readonly zones: ZoneSet | undefined;
  readonly cache: WriteCache | undefined;
}

/** zone rules ( bad blocks ( read clip ( cache and pages ))). */
export function composePath({ options, zones, cache }: Pathed, parts: Parts): Step {
  const { store, badBlocks } = parts;
  let step = store === undefined ? nullStep() : memoryStep(store, cache, parts);
  if (zones !== undefined && store !== undefined) {
    step = zoneReadClip(zones, step, (request, from, to) => {
      if (!fillRead(request, from, to, 'ones')) request.setStatus(Status.NOSPC);
    });
  }
  if (badBlocks.enabled) {
    const hit = (text: string, request: NullOwned, at: number): void => {
      request.refuse('badblocks');
      explain(request, text, at);
    };
    step = badBlocksStep(
      badBlocks,
      options.badblocks_once,
      options.badblocks_partial_io,
      options.bs / SECTOR_BYTES,
      step,
      hit,
    );
  }
  if (zones === undefined) return discardGuard(options.discard, step);
  return zoneRules(zones, step, refusedByZones);
}

export const refusedByZones: OnRefused = (text, request) => {
  request.refuse('zones');
  explain(request, text, request.sector());
};

/** The first error is reported. */
function explain(request: NullOwned, text: string, sector: number): void {
  const bio = request.bio();
  if (bio.reason !== undefined) return;
  bio.reason = text;
  bio.failedAt = sector;
}

function memoryStep(store: PageStore, cache: WriteCache | undefined, parts: Parts): Step {
  const inner = storeStep(store);
  const transfer = cache === undefined ? inner : cacheStep(cache, inner);
  const { context, tidy } = parts;
  return (request, sectors) => {
    const done = transfer(request, sectors);
    if (store.needsCompaction || cache?.needsTrim) context.deferred.raiseNextTurn(tidy);
    return done;
  };
}
