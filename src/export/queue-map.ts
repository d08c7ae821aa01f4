/** The hardware queues of one client, looked up anew when the device's were changed. */

import type { Disk } from '../block/disk.ts';
import type { HwQueue } from '../block/hw-queue.ts';

export class QueueMap {
  readonly #disk: Disk;
  /** Which of the export's connections it is: decides the queues. */
  readonly #number: number;
  #hctx: HwQueue;
  #readHctx: HwQueue;
  /** Of the device's queues, as they were looked up. */
  #generation = -1;

  constructor(disk: Disk, number: number) {
    this.#disk = disk;
    this.#number = number;
    this.#hctx = this.#readHctx = disk.queue.defaultHctx(0);
  }

  /** Of all but reads. */
  get hctx(): HwQueue {
    if (this.#generation !== this.#disk.queue.generation) this.#map();
    return this.#hctx;
  }

  get readHctx(): HwQueue {
    if (this.#generation !== this.#disk.queue.generation) this.#map();
    return this.#readHctx;
  }

  #map(): void {
    const { queue } = this.#disk;
    this.#generation = queue.generation;
    this.#hctx = queue.defaultHctx(this.#number);
    this.#readHctx = queue.readHctx(this.#number);
  }
}
