/** Flushes of the write cache, a slice at a time with the sockets' turn in between. A full cache of 64 MiB
 *  takes 20 ms, and ten times as long if its pages lie far from each other; no other client should wait for
 *  that. A flush is done when everything that was in the cache at its beginning has been moved.
 *  Source: driver.md section 4; nbd-protocol.md section 3.6. */

import type { BlockContext } from '../block/context.ts';
import { Status } from '../block/status.ts';
import type { DeferredWork } from '../time/deferred.ts';
import type { Complete, NullOwned } from './completion.ts';
import type { FlushPoint, WriteCache } from './storage/write-cache.ts';

/** Pages moved between two readings of the clock: some 20 us, or 0.5 ms if each takes new memory. */
const PIECE_PAGES = 16;
/** After so many ns of a turn no other piece begins. */
const TURN_NS = 200_000;
/** Pieces in a turn, for a clock that stands still: 1 MiB. */
const PIECES_MAX = 16;

interface Waiting {
  readonly request: NullOwned;
  readonly upTo: FlushPoint;
}

export class Flusher implements DeferredWork {
  raised = false;
  readonly #cache: WriteCache;
  readonly #context: BlockContext;
  readonly #complete: Complete;
  #waiting: Waiting[] = [];

  constructor(cache: WriteCache, context: BlockContext, complete: Complete) {
    this.#cache = cache;
    this.#context = context;
    this.#complete = complete;
  }

  /** Completes `request`, a FLUSH, at once if one slice is enough. */
  take(request: NullOwned): void {
    this.#waiting.push({ request, upTo: this.#cache.flushPoint });
    if (!this.raised) this.runDeferred();
  }

  /** Ends all waiting flushes with `status`. */
  giveUp(status: Status): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { request } of waiting) request.end(status);
  }

  runDeferred(): void {
    const moved = this.#flushSlice();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) {
      if (moved && !this.#cache.hasFlushed(one.upTo)) {
        this.#waiting.push(one);
        continue;
      }
      if (!moved) one.request.setStatus(Status.NOSPC);
      this.#complete(one.request);
    }
    if (this.#waiting.length > 0) this.#context.deferred.raiseNextTurn(this);
  }

  /** @returns false: there is no memory behind the cache. */
  #flushSlice(): boolean {
    const { clock } = this.#context;
    const end = clock.now() + TURN_NS;
    for (let pieces = 0; pieces < PIECES_MAX && this.#cache.usedBytes > 0; pieces++) {
      if (!this.#cache.flushSome(PIECE_PAGES)) return false;
      if (clock.now() >= end) break;
    }
    return true;
  }
}
