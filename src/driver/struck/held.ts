/** A command that hangs: the tag that it counts with, and since when. Source: faults.md section 1 (hang). */

import type { Command } from '../../block/command.ts';
import type { RequestQueue } from '../../block/request-queue.ts';
import type { TagPool } from '../../block/tag-pool.ts';
import type { Tag } from '../../units.ts';
import type { NullData } from '../completion.ts';

/** For observers. */
export interface HeldCommand {
  /** -1: there was no tag for it. */
  readonly tag: number;
  /** Index of its hardware queue. */
  readonly hctx: number;
  readonly command: Command;
  readonly sector: number;
  readonly sectors: number;
  /** ns. */
  readonly since: number;
  /** The id of the rule. */
  readonly rule: string;
}

export class HeldTag {
  #tag: Tag | undefined;
  /** Where it is from: the queues may be others when it is given back. */
  #pool: TagPool | undefined;
  /** ns. */
  #since = 0;

  take(pool: TagPool, now: number): void {
    this.#pool = pool;
    this.#tag = pool.take();
    this.#since = now;
  }

  give(): void {
    const tag = this.#tag;
    this.#tag = undefined;
    if (tag !== undefined) this.#pool?.give(tag);
  }

  place(queue: RequestQueue<NullData>): Pick<HeldCommand, 'tag' | 'hctx' | 'since'> {
    const hctx = Array.from(queue.hctxs()).find(({ pool }) => pool === this.#pool);
    return { tag: this.#tag ?? -1, hctx: hctx?.index ?? 0, since: this.#since };
  }
}
