/** Small buffers for data that must wait: reads whose reply comes later, payloads that are parked.
 *  A free list with a cap; buffers beyond it are left to the garbage collector. Not for stored data. */

import { KiB } from '../units.ts';
import { DataMemory } from './memory.ts';

export const SCRATCH_BYTES = 32 * KiB;
/** 8 MiB: the depth of a few busy hardware queues. */
const FREE_MAX = 256;

export class ScratchPool {
  readonly #memory: DataMemory;
  readonly #free: Uint8Array[] = [];

  constructor(memory = new DataMemory()) {
    this.#memory = memory;
  }

  /** A buffer of SCRATCH_BYTES; its contents are undefined. Undefined: no memory. */
  take(): Uint8Array | undefined {
    return this.#free.pop() ?? this.#memory.buffer(SCRATCH_BYTES);
  }

  give(buffer: Uint8Array): void {
    if (this.#free.length < FREE_MAX) this.#free.push(buffer);
  }
}
