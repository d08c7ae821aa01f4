/** A client's way to a hardware queue for its struck commands, which may outlive the queue: it is looked up
 *  again when the device's queues change. Source: faults.md section 1. */

import type { Bio } from '../../block/bio.ts';
import type { HwQueue } from '../../block/hw-queue.ts';
import type { RequestQueue } from '../../block/request-queue.ts';
import type { Submitter } from '../../block/submitter.ts';
import type { TagPool } from '../../block/tag-pool.ts';
import type { NullData } from '../completion.ts';

export class OwnQueue implements Submitter {
  readonly #queue: RequestQueue<NullData>;
  /** The number of the export's connection, which decides the queues. */
  readonly #number: number;
  readonly #forReads: boolean;
  #hctx: Submitter;
  #generation: number;

  /** @param client from 1 on; 0: the control side. */
  constructor(queue: RequestQueue<NullData>, hctx: HwQueue, client: number) {
    this.#queue = queue;
    this.#number = Math.max(0, client - 1);
    this.#forReads = hctx !== queue.defaultHctx(this.#number);
    this.#hctx = hctx;
    this.#generation = queue.generation;
  }

  get pool(): TagPool {
    return this.#current().pool;
  }

  submit(bio: Bio): boolean {
    return this.#current().submit(bio);
  }

  unplug(): void {
    this.#current().unplug();
  }

  #current(): Submitter {
    const queue = this.#queue;
    if (this.#generation !== queue.generation) {
      this.#generation = queue.generation;
      this.#hctx = this.#forReads ? queue.readHctx(this.#number) : queue.defaultHctx(this.#number);
    }
    return this.#hctx;
  }
}
