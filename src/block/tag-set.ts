/** The tag set: every `Request` there will ever be, made here and found by tag. One disk has it, or
 *  several share it. Source: driver.md section 2; parameters hw_queue_depth, submit_queues. */

import { atOnce, type Work } from '../time/slicer.ts';
import { bug, type Nanoseconds, type Tag, tag } from '../units.ts';
import type { BlockContext } from './context.ts';
import type { DriverData } from './driver-data.ts';
import { CheckedHandles, PlainHandles } from './handles.ts';
import type { Operations } from './operations.ts';
import type { ARef, Handles, Hctx, Slot } from './owned.ts';
import { Request, RequestState } from './request.ts';
import { Scheduler } from './scheduler.ts';
import { TagPool } from './tag-pool.ts';
import { Timeouts } from './timeout.ts';

export interface TagSetOptions {
  /** Hardware queues in all, the polled ones last. */
  readonly queues: number;
  readonly pollQueues: number;
  /** Tags per hardware queue (or in all, with `sharedBitmap`). */
  readonly depth: number;
  /** The driver may wait in its handler. */
  readonly blocking: boolean;
  /** All hardware queues draw from one bitmap of `depth` tags. */
  readonly sharedBitmap: boolean;
  /** Requests get their tags in arrival order. */
  readonly noScheduler: boolean;
  readonly timeout: Nanoseconds;
  /** A handle that was moved from throws. */
  readonly debug: boolean;
}

/** Made in some 20 us. */
const REQUESTS_PER_PIECE = 64;

/** The block layer's default; null_blk's tag set has 5 s. */
export const DEFAULT_TIMEOUT = 30e9 as Nanoseconds; // 30 s

export class TagSet<D extends DriverData = DriverData> {
  readonly options: TagSetOptions;
  readonly context: BlockContext;
  readonly counts: Int32Array;
  readonly #requests: Slot<D>[] = [];
  readonly timeouts: Timeouts<D>;
  readonly #pools: readonly TagPool[];
  readonly handles: Handles<D>;

  /** The driver's data of the set. */
  readonly data: D['tagSet'];

  /** @param filled false: its requests are still to come, see `inPieces`.
   *  @throws RangeError when memory for the slots cannot be had. */
  constructor(
    operations: Pick<Operations<D>, 'makeRequestData'>,
    options: TagSetOptions,
    context: BlockContext,
    data: D['tagSet'],
    filled = true,
  ) {
    this.data = data;
    this.options = options;
    this.context = context;
    const pools = options.sharedBitmap ? 1 : options.queues;
    this.counts = new Int32Array(pools * options.depth);
    this.handles = options.debug ? new CheckedHandles<D>() : new PlainHandles<D>();
    this.#pools = Array.from(
      { length: pools },
      (_, i) =>
        new TagPool(
          i * options.depth,
          options.depth,
          context.deferred,
          new Scheduler(context.clock, options.noScheduler),
        ),
    );
    this.timeouts = new Timeouts(this, context);
    if (filled) atOnce(this.#fill(operations));
  }

  /** Makes a tag set with the others' turns in between: a deep one for many queues takes long.
   *  @throws RangeError as the constructor. */
  static *inPieces<D extends DriverData>(
    operations: Pick<Operations<D>, 'makeRequestData'>,
    options: TagSetOptions,
    context: BlockContext,
    data: D['tagSet'],
  ): Work<TagSet<D>> {
    const set = new TagSet<D>(operations, options, context, data, false);
    yield* set.#fill(operations);
    return set;
  }

  /** All of them, by tag. */
  get requests(): readonly Slot<D>[] {
    return this.#requests;
  }

  get queueDepth(): number {
    return this.options.depth;
  }

  get hwQueueCount(): number {
    return this.options.queues;
  }

  get inFlight(): number {
    return this.#pools.reduce((sum, pool) => sum + pool.inUse, 0);
  }

  /** No request gets a tag of this set any more; waiters look elsewhere. */
  retire(): void {
    for (const pool of this.#pools) pool.callAll();
  }

  /** The tags that hardware queue `index` draws from. */
  pool(index: number): TagPool {
    const pool = this.#pools[this.options.sharedBitmap ? 0 : index];
    return pool ?? bug(`no hardware queue ${index}`);
  }

  slot(of: Tag): Slot<D> {
    return this.#requests[of] ?? bug(`no tag ${of}`);
  }

  /** The requests of `hctx` that the driver has shared, each with a reference for the asker. */
  *shared(hctx: Hctx<D>): Generator<ARef<D>> {
    for (const { state, tag: of } of this.requests) {
      if (state !== RequestState.STARTED || this.slot(of).hctx !== hctx) continue;
      const reference = this.tagToRq(of);
      if (reference !== undefined) yield reference;
    }
  }

  /** A reference to the request with this tag, if the driver has shared it: increment unless zero.
   *  @returns undefined when it is idle, or owned by one alone. */
  tagToRq(of: Tag): ARef<D> | undefined {
    const slot = this.slot(of);
    if (slot.state !== RequestState.STARTED) return undefined;
    for (;;) {
      const count = Atomics.load(this.counts, of);
      if (count === 0) return undefined;
      if (Atomics.compareExchange(this.counts, of, count, count + 1) === count) {
        return this.handles.revived(slot);
      }
    }
  }

  *#fill(operations: Pick<Operations<D>, 'makeRequestData'>): Work {
    const handles = this.handles;
    for (let i = 0; i < this.counts.length; i++) {
      if (i > 0 && i % REQUESTS_PER_PIECE === 0) yield;
      const request = new Request<D, Slot<D>['hctx']>(
        tag(i),
        this.counts,
        operations.makeRequestData(),
      );
      if (handles instanceof PlainHandles) handles.add(request);
      this.#requests.push(request);
    }
  }
}
