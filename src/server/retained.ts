/** What must stay as it is until a write was taken: chunks full of replies, and the owners of views of pages.
 *  A reply that is all holes has an owner, too, although it shows none of its pages. */

import type { ViewHolder } from '../export/reply-sink.ts';
import type { BufferPool, PooledBuffer } from './buffer-pool.ts';

export class Retained {
  readonly chunks: PooledBuffer[] = [];
  readonly holders: ViewHolder[] = [];

  get replies(): number {
    return this.holders.length;
  }

  get empty(): boolean {
    return this.chunks.length === 0 && this.holders.length === 0;
  }

  /** Holders may end requests, whose replies belong to the next write: never to these lists. */
  release(pool: BufferPool): void {
    // Setting the length of a list is a call into V8, and most are empty.
    if (this.chunks.length > 0) {
      for (const chunk of this.chunks) pool.give(chunk);
      this.chunks.length = 0;
    }
    if (this.holders.length > 0) {
      for (const holder of this.holders) holder.viewsSent();
      this.holders.length = 0;
    }
  }
}
