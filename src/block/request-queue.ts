/** A disk's request queue: its hardware queues, the map from submitters to them, stopped and started
 *  together, and changed live. Source: driver.md section 2; rnull-series 35, 36, 39, 46, 49, 60 to 63. */

import type { Work } from '../time/slicer.ts';
import { bug } from '../units.ts';
import type { DriverData } from './driver-data.ts';
import { allData, type Extents } from './extents.ts';
import { HwQueue } from './hw-queue.ts';
import { IoStats } from './io-stats.ts';
import type { Judge, Limits } from './limits.ts';
import type { Operations } from './operations.ts';
import type { Shape } from './split.ts';
import { Status } from './status.ts';
import type { Front } from './submitter.ts';
import type { TagSet } from './tag-set.ts';
import { type Vtable, vtableOf } from './vtable.ts';

export class RequestQueue<D extends DriverData = DriverData> implements Shape {
  readonly operations: Operations<D>;
  readonly vtable: Vtable<D>;
  /** The driver's data of the queue. */
  readonly data: D['queue'];
  readonly limits: Limits;
  readonly extents: Extents;
  /** Set by the driver, also live. Undefined: each request of a bio ends as the others do. */
  judge: Judge | undefined = undefined;
  /** What stands before the hardware queues. Undefined: nothing, and it costs nothing. */
  #front: Front | undefined;
  readonly stats = new IoStats();
  /** Counts the changes of the queue map: who remembers a hardware queue asks again. */
  generation = 0;
  #tagSet: TagSet<D>;
  #hctxs: readonly HwQueue<D>[];
  /** Replaced by a live change, and busy. */
  #retired: HwQueue<D>[] = [];
  #idle: (() => void) | undefined;
  #startFirst = -1;

  /** Builds the hardware queues.
   *  @throws HctxError when the driver's initHctx fails; those made before are torn down again. */
  constructor(
    tagSet: TagSet<D>,
    operations: Operations<D>,
    data: D['queue'],
    limits: Limits,
    extents: Extents = allData,
  ) {
    this.operations = operations;
    this.vtable = vtableOf(operations);
    this.data = data;
    this.limits = limits;
    this.extents = extents;
    this.#tagSet = tagSet;
    this.#hctxs = this.#build(tagSet, 0);
  }

  get front(): Front | undefined {
    return this.#front;
  }

  /** Puts something before the hardware queues, or takes it away, with I/O running: what is submitted
   *  from now on meets it. */
  set front(front: Front | undefined) {
    this.#front = front;
    this.generation++;
  }

  get tagSet(): TagSet<D> {
    return this.#tagSet;
  }

  get hwQueueCount(): number {
    return this.#hctxs.length;
  }

  /** Requests with a tag on any of its hardware queues. */
  get inFlight(): number {
    let sum = 0;
    for (const hctx of this.#hctxs) sum += hctx.inFlight;
    for (const hctx of this.#retired) sum += hctx.inFlight;
    return sum;
  }

  /** Something that it was given has not ended. */
  get busy(): boolean {
    for (const hctx of this.hctxs()) if (hctx.busy) return true;
    return false;
  }

  /** All hardware queues that may have something to do. */
  *hctxs(): Generator<HwQueue<D>> {
    yield* this.#hctxs;
    yield* this.#retired;
  }

  hctx(index: number): HwQueue<D> {
    return this.#hctxs[index] ?? bug(`no hardware queue ${index}`);
  }

  /** The queue of the `n`-th submitter for what is not a read: the submit queues in turn. */
  defaultHctx(n: number): HwQueue<D> {
    const { queues, pollQueues } = this.#tagSet.options;
    return this.hctx(n % (queues - pollQueues));
  }

  /** The queue of the `n`-th submitter's reads: the poll queues in turn, where there are some. */
  readHctx(n: number): HwQueue<D> {
    const { queues, pollQueues } = this.#tagSet.options;
    if (pollQueues === 0) return this.defaultHctx(n);
    return this.hctx(queues - pollQueues + (n % pollQueues));
  }

  /** No request reaches the driver until `startHwQueues`. */
  stopHwQueues(): void {
    for (const hctx of this.hctxs()) hctx.stop();
  }

  /** What was held back is issued, in order, in the deferred context. Another queue is the first each
   *  time: the first could take all that a driver has to give. */
  startHwQueues(): void {
    const hctxs = [...this.hctxs()];
    this.#startFirst++;
    for (let n = 0; n < hctxs.length; n++) {
      hctxs[(this.#startFirst + n) % hctxs.length]?.start();
    }
  }

  /** Ends with `status` whatever is submitted from now on; the driver gets nothing more. */
  refuse(status: Status): void {
    for (const hctx of [...this.hctxs()]) hctx.refuse(status);
  }

  /** The disk goes away and nobody waits: ends with `status` also all that has not ended, in pieces. But for
   *  replies that show pages, and what the driver cannot give up. */
  *giveUp(status: Status): Work {
    this.refuse(status);
    for (const hctx of [...this.hctxs()]) {
      yield* hctx.giveUp(status);
      yield* this.vtable.giveUp?.(hctx, status) ?? [];
    }
  }

  /** Changes the hardware queues to those of `tagSet` with I/O running: the old ones finish what they
   *  have, and the new ones begin when nothing is left there that was not processed; nothing is lost.
   *  A failure is survived once, as in the kernel. @throws HctxError at the second: the old ones stay. */
  updateHwQueues(tagSet: TagSet<D>): void {
    const next = this.#buildOrRetry(tagSet, this.generation + 1);
    const old = this.#hctxs;
    const oldSet = this.#tagSet;
    for (const hctx of old) {
      hctx.unplug();
      if (hctx.polled) hctx.poll();
    }
    this.#tagSet = tagSet;
    this.#hctxs = next;
    this.generation++;
    for (const hctx of old) {
      hctx.retired = true;
      this.#retired.push(hctx);
    }
    oldSet.retire();
    this.retiredRan();
    this.drained();
  }

  /** A retired queue may have processed its last request: then those after it may begin. */
  retiredRan(): void {
    let oldest = Number.POSITIVE_INFINITY;
    for (const hctx of this.#retired) {
      if (hctx.unprocessed > 0) oldest = Math.min(oldest, hctx.generation);
    }
    for (const hctx of this.hctxs()) {
      const behind = hctx.generation > oldest;
      if (hctx.behind && !behind) hctx.set.context.deferred.raise(hctx);
      hctx.behind = behind;
    }
  }

  /** A hardware queue is not busy any more. */
  drained(): void {
    if (this.#retired.length > 0) {
      const done = this.#retired.filter((hctx) => !hctx.busy);
      this.#retired = this.#retired.filter((hctx) => hctx.busy);
      for (const hctx of done) {
        this.vtable.exitHctx?.(hctx);
        hctx.set.timeouts.stopIdle();
      }
      this.retiredRan();
    }
    if (this.#idle !== undefined && !this.busy) this.#idle();
  }

  /** Done when no hardware queue is busy. */
  whenIdle(): Promise<void> {
    if (!this.busy) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = () => {
        this.#idle = undefined;
        resolve();
      };
    });
  }

  /** Tears the hardware queues down, last one first. */
  exit(): void {
    this.#exitAll(this.#hctxs);
    this.#hctxs = [];
    this.#tagSet.timeouts.stopIdle();
  }

  #buildOrRetry(tagSet: TagSet<D>, generation: number): HwQueue<D>[] {
    try {
      return this.#build(tagSet, generation);
    } catch (error) {
      if (!(error instanceof HctxError)) throw error;
      return this.#build(tagSet, generation);
    }
  }

  #build(tagSet: TagSet<D>, generation: number): HwQueue<D>[] {
    const built: HwQueue<D>[] = [];
    for (let index = 0; index < tagSet.hwQueueCount; index++) {
      const hctx = new HwQueue(this, tagSet, index, generation);
      const status = this.vtable.initHctx?.(hctx) ?? Status.OK;
      if (status !== Status.OK) {
        this.#exitAll(built);
        throw new HctxError(index, status);
      }
      built.push(hctx);
    }
    return built;
  }

  #exitAll(hctxs: readonly HwQueue<D>[]): void {
    for (const hctx of hctxs.toReversed()) this.vtable.exitHctx?.(hctx);
  }
}

/** A hardware queue could not be built. */
export class HctxError extends Error {
  readonly status: Status;

  constructor(index: number, status: Status) {
    super(`hardware queue ${index} could not be built`);
    this.status = status;
  }
}
