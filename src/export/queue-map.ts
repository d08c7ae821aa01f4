/** The hardware queues of one client, looked up again when the device's queues change. */

import type { Disk } from '../block/disk.ts';
import type { Submitter } from '../block/submitter.ts';

export class QueueMap {
  readonly #disk: Disk;
  /** The number of the export's connection, which decides the queues. */
  readonly #number: number;
  #hctx: Submitter;
  #readHctx: Submitter;
  /** The version of the device's queues that was looked up. */
  #generation = -1;

  constructor(disk: Disk, number: number) {
    this.#disk = disk;
    this.#number = number;
    this.#hctx = this.#readHctx = disk.queue.defaultHctx(0);
  }

  /** The client's number, from 1 on; 0 is the control side. */
  get client(): number {
    return this.#number + 1;
  }

  /** For everything but reads. */
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
    const { client } = this;
    this.#hctx = front === undefined ? hctx : front.before(hctx, client);
    this.#readHctx = front === undefined ? readHctx : front.before(readHctx, client);
  }
}
