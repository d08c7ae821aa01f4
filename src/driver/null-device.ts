/** The null block device: options in, a disk out. It composes a request's path when it powers on and
 *  implements the block layer's operations. Source: driver.md sections 1 to 4. */

import { Disk } from '../block/disk.ts';
import type { Operations } from '../block/operations.ts';
import type { ARef, IdleRequest } from '../block/owned.ts';
import type { RequestList } from '../block/request-list.ts';
import { RequestQueue } from '../block/request-queue.ts';
import { Status } from '../block/status.ts';
import { type BlockContext, TagSet, type TagSetOptions } from '../block/tag-set.ts';
import type { DeviceOptions } from '../config/parameters.ts';
import type { SlabAllocator } from '../pages/allocator.ts';
import type { DeferredWork } from '../time/deferred.ts';
import {
  type Bytes,
  bytes,
  KiB,
  MiB,
  type Nanoseconds,
  nanoseconds,
  SECTOR_BYTES,
  type Sector,
  sector,
  toSectors,
} from '../units.ts';
import {
  type Complete,
  completeByTimer,
  completeDeferred,
  completeInline,
  NullRequestData,
} from './completion.ts';
import { discardGuard, nullStep, type Step, storeStep } from './path.ts';
import { PageStore } from './storage/page-store.ts';

/** null_blk's own, not the block layer's 30 s. */
const TIMEOUT = 5e9 as Nanoseconds; // 5 s

/** A slice of a discard costs up to 50 us per slab: 4 MiB keep other clients waiting some 1.5 ms. */
const SLICE = sector((4 * MiB) / SECTOR_BYTES);

/** Slabs moved per turn while memory that holds nothing is given back. */
const COMPACT_SLABS = 8;

export interface DeviceContext extends BlockContext {
  readonly allocator: SlabAllocator;
  readonly debug: boolean;
}

/** The tag set that `options` ask for. */
export function tagSetOptions(options: DeviceOptions, debug: boolean): TagSetOptions {
  return {
    queues: options.submit_queues,
    depth: options.hw_queue_depth,
    blocking: options.blocking,
    sharedBitmap: false,
    noScheduler: options.no_sched,
    timeout: TIMEOUT,
    debug,
  };
}

export function makeTagSet(
  options: DeviceOptions,
  context: DeviceContext,
): TagSet<NullRequestData> {
  const operations = { makeRequestData: () => new NullRequestData() };
  return new TagSet(operations, tagSetOptions(options, context.debug), context);
}

export class NullDevice implements Operations<NullRequestData>, DeferredWork {
  readonly disk: Disk<NullRequestData>;
  readonly store: PageStore | undefined;
  raised = false;
  readonly #context: DeviceContext;
  readonly #execute: Step;
  readonly #complete: Complete;

  /** Powers the device on. @param tags the shared tag set, or undefined for one of its own. */
  constructor(
    name: string,
    options: DeviceOptions,
    context: DeviceContext,
    tags?: TagSet<NullRequestData>,
  ) {
    this.#context = context;
    const capacity: Bytes = bytes(options.size * MiB);
    this.store = options.memory_backed ? new PageStore(context.allocator, capacity) : undefined;
    this.#execute = this.#compose(options);
    this.#complete = completion(options);
    const tagSet = tags ?? makeTagSet(options, context);
    this.disk = new Disk(
      name,
      toSectors(capacity),
      { blockBytes: options.bs, maxSectors: maxSectors(options), sliceSectors: SLICE },
      {
        rotational: options.rotational,
        discard: options.discard,
        views: true,
        completesInline: options.irqmode === 0,
      },
      new RequestQueue(tagSet, this),
    );
  }

  makeRequestData(): NullRequestData {
    return new NullRequestData();
  }

  queueRq(request: IdleRequest<NullRequestData>): Status {
    const owned = request.start();
    this.#execute(owned, owned.sectors());
    this.#complete(owned);
    return Status.OK;
  }

  queueRqs(requests: RequestList<NullRequestData>): void {
    for (let next = requests.take(); next !== undefined; next = requests.take()) this.queueRq(next);
  }

  complete(request: ARef<NullRequestData>): void {
    request.complete(request.slot.status);
  }

  /** Gives back memory that holds nothing, a few slabs a turn. */
  runDeferred(): void {
    if (this.store?.compact(COMPACT_SLABS)) this.#context.deferred.raiseNextTurn(this);
  }

  #compose(options: DeviceOptions): Step {
    const { store } = this;
    if (store === undefined) return discardGuard(options.discard, nullStep());
    const transfer = storeStep(store);
    return discardGuard(options.discard, (request, sectors) => {
      const done = transfer(request, sectors);
      if (store.needsCompaction) this.#context.deferred.raiseNextTurn(this);
      return done;
    });
  }
}

function completion(options: DeviceOptions): Complete {
  switch (options.irqmode) {
    case 0:
      return completeInline;
    case 1:
      return completeDeferred;
    case 2:
      return completeByTimer(nanoseconds(options.completion_nsec));
  }
}

/** The limit in whole blocks and KiB; 0 = none. */
function maxSectors(options: DeviceOptions): Sector {
  const unit = Math.max(options.bs, KiB) / SECTOR_BYTES;
  return sector(options.max_sectors - (options.max_sectors % unit));
}
