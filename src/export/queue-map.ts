/** The hardware queues of one client, looked up anew when the device's were changed. */

import type { Disk } from '../block/disk.ts';
import type { Submitter } from '../block/submitter.ts';

export class QueueMap {
  readonly #disk: Disk;
  /** Which of the export's connections it is: decides the queues. */
  readonly #number: number;
  #hctx: Submitter;
  #readHctx: Submitter;
  /** Of the device's queues, as they were looked up. */
  #generation = -1;

  constructor(disk: Disk, number: number) {
    this.#disk = disk;
    this.#number = number;
    this.#hctx = this.#readHctx = disk.queue.defaultHctx(0);
  }

  /** Of all but reads. */
  get hctx(): Submitter {
    if (this.#generation !== this.#disk.queue.generation) this.#map();
    return this.#hctx;
  }

  get readHctx(): Submitter {
    if (this.#generation !== this.#disk.queue.generation) this.#map();
    return this.#readHctx;
  }

  #map(): void {
    const { queue } = this.#disk;
    this.#generation = queue.generation;
    const [hctx, readHctx] = [queue.defaultHctx(this.#number), queue.readHctx(this.#number)];
    const { front } = queue;
    const client = this.#number + 1;
    this.#hctx = front === undefined ? hctx : front.before(hctx, client);
    this.#readHctx = front === undefined ? readHctx : front.before(readHctx, client);
  }
}
