/** Output buffers of one size, shared by all connections and used again. */

import { limits } from './limits.ts';

export class OutputChunk {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor() {
    const buffer = new ArrayBuffer(limits.outputChunk.max);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }
}

export class ChunkPool {
  readonly #free: OutputChunk[] = [];

  take(): OutputChunk {
    return this.#free.pop() ?? new OutputChunk();
  }

  give(chunk: OutputChunk): void {
    if (this.#free.length < limits.outputChunksFree.max) this.#free.push(chunk);
  }
}
