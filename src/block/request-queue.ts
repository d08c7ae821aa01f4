/** A disk's request queue: its hardware queues, the map from submitters to them, stopped and started
 *  together, and changed live. Source: driver.md section 2; rnull-series 35, 36, 39, 46, 49, 60 to 63. */

import type { Work } from '../time/slicer.ts';
import { bug } from '../units.ts';
import type { DriverData } from './driver-data.ts';
import { allData, type Extents } from './extents.ts';
import { HeldCommands } from './held-commands.ts';
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
  /** Set by the driver, also live. Undefined: all requests of a bio end alike. */
  judge: Judge | undefined = undefined;
  /** Commands that were begun, and of which the rest is still to come. */
  readonly begun = new Set<object>();
  /** What a device puts before the hardware queues. Undefined: nothing, at no cost. */
  #front: Front | undefined;
  /** Before that, while commands are held up. */
  #held: HeldCommands | undefined;
  /** Who holds them up: several may at a time. */
  #holders = 0;
  readonly stats = new IoStats();
  /** Counts the changes of the queue map. A caller that remembers a hardware queue asks again when it
   *  changes. */
  generation = 0;
  #tagSet: TagSet<D>;
  #hctxs: readonly HwQueue<D>[];
  /** Hardware queues that a live change replaced and that are still busy. */
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
    return this.#held ?? this.#front;
  }

  /** Something stands there for good. */
  get hasFront(): boolean {
    return this.#front !== undefined;
  }

  /** Puts something before the hardware queues, or takes it away, while I/O runs. It applies to later
   *  submissions. */
  set front(front: Front | undefined) {
    this.#front = front;
    this.generation++;
  }

  /** Commands that have not begun wait until as many have called `resume`. */
  hold(): void {
    if (this.#holders++ > 0) return;
    this.#held = new HeldCommands(() => this.#front, this.#tagSet.context);
    this.generation++;
    // Who waits for tags and has not begun waits for something else now.
    for (const hctx of this.hctxs()) hctx.pool.callAll();
  }

  /** `command` has begun, of which the rest may wait with those that have not. */
  begins(command: object): void {
    if (this.begun.has(command)) return;
    this.begun.add(command);
    this.#held?.open();
  }

  /** `command` counts as one that has not begun, if it has. @returns what takes that back. */
  standsBack(command: object): () => void {
    return this.begun.delete(command) ? () => this.begins(command) : () => {};
  }

  resume(): void {
    if (--this.#holders > 0) return;
    const held = this.#held;
    this.#held = undefined;
    this.generation++;
    held?.open();
  }

  /** Is no command begun of which something has not been given to the driver? */
  get isBetweenCommands(): boolean {
    if (this.begun.size > 0) return false;
    for (const hctx of this.hctxs()) if (hctx.unprocessed > 0) return false;
    return true;
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

  /** True while something that it was given has not ended. */
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

  /** The queue of the `n`-th submitter for everything but reads: the submit queues in turn. */
  defaultHctx(n: number): HwQueue<D> {
    const { queues, pollQueues } = this.#tagSet.options;
    return this.hctx(n % (queues - pollQueues));
  }

  /** The queue of the `n`-th submitter's reads: the poll queues in turn, if there are any. */
  readHctx(n: number): HwQueue<D> {
    const { queues, pollQueues } = this.#tagSet.options;
    if (pollQueues === 0) return this.defaultHctx(n);
    return this.hctx(queues - pollQueues + (n % pollQueues));
  }

  /** No request reaches the driver until `startHwQueues`. */
  stopHwQueues(): void {
    for (const hctx of this.hctxs()) hctx.stop();
  }

  /** Issues what was held, in order, in the deferred context. Each time another queue comes first, because
   *  the first could take everything that a driver has to give. */
  startHwQueues(): void {
    const hctxs = [...this.hctxs()];
    this.#startFirst++;
    for (let n = 0; n < hctxs.length; n++) {
      hctxs[(this.#startFirst + n) % hctxs.length]?.start();
    }
  }

  /** From now on new submissions end with `status`; the driver gets nothing more. */
  refuse(status: Status): void {
    for (const hctx of [...this.hctxs()]) hctx.refuse(status);
  }

  /** The disk goes away and nobody waits for it: what has not ended also ends with `status`, in pieces.
   *  Exceptions are replies that show pages, and what the driver cannot give up. */
  *giveUp(status: Status): Work {
    this.refuse(status);
    for (const hctx of [...this.hctxs()]) {
      yield* hctx.giveUp(status);
      yield* this.vtable.giveUp?.(hctx, status) ?? [];
    }
  }

  /** Changes the hardware queues to those of `tagSet` while I/O runs. The old ones finish what they have; the
   *  new ones begin once everything there was processed. Nothing is lost. One failure is survived, as in the
   *  kernel.
   *  @throws HctxError at the second: the old ones stay. */
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

  /** A retired queue may have processed its last request; then its successors may begin. */
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

  /** At `now` a hardware queue has no request in flight any more. */
  mayIdle(now: number): void {
    if (this.inFlight === 0) this.stats.idleFrom(now);
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
