/** A disk's request queue: its hardware queues, stopped and started together or one by one.
 *  Source: driver.md section 2; rnull-series 35, 36, 39, 46. */

import { bug } from '../units.ts';
import type { Disk } from './disk.ts';
import { HwQueue } from './hw-queue.ts';
import type { Operations } from './operations.ts';
import { Status } from './status.ts';
import type { TagSet } from './tag-set.ts';

export class RequestQueue<D = unknown> {
  readonly tagSet: TagSet<D>;
  readonly operations: Operations<D>;
  readonly #hctxs: HwQueue<D>[] = [];
  #disk: Disk<D> | undefined;

  /** Builds the hardware queues.
   *  @throws HctxError when the driver's initHctx fails; those made before are torn down again. */
  constructor(tagSet: TagSet<D>, operations: Operations<D>) {
    this.tagSet = tagSet;
    this.operations = operations;
    for (let index = 0; index < tagSet.hwQueueCount; index++) {
      const hctx = new HwQueue(this, index);
      const status = operations.initHctx?.(hctx) ?? Status.OK;
      if (status !== Status.OK) {
        this.exit();
        throw new HctxError(index, status);
      }
      this.#hctxs.push(hctx);
    }
  }

  /** The disk that this queue belongs to. */
  get disk(): Disk<D> {
    return this.#disk ?? bug('a request queue without its disk');
  }

  get hwQueueCount(): number {
    return this.#hctxs.length;
  }

  attach(disk: Disk<D>): void {
    this.#disk = disk;
  }

  hctx(index: number): HwQueue<D> {
    return this.#hctxs[index] ?? bug(`no hardware queue ${index}`);
  }

  /** No request reaches the driver until `startHwQueues`. */
  stopHwQueues(): void {
    for (const hctx of this.#hctxs) hctx.stop();
  }

  /** What was held back is issued, in order, in the deferred context. */
  startHwQueues(): void {
    for (const hctx of this.#hctxs) hctx.start();
  }

  /** Tears the hardware queues down, last one first. */
  exit(): void {
    for (let hctx = this.#hctxs.pop(); hctx !== undefined; hctx = this.#hctxs.pop()) {
      this.operations.exitHctx?.(hctx);
    }
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
