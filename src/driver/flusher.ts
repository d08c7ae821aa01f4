/** Flushes of the write cache, a slice at a time with the sockets' turn in between: a full cache of
 *  64 MiB takes 20 ms, which no other client should wait for. A flush is done when what was in the
 *  cache as it began has been moved. Source: driver.md section 4; nbd-protocol.md section 3.6. */

import { Status } from '../block/status.ts';
import type { Deferred, DeferredWork } from '../time/deferred.ts';
import type { Complete, NullOwned } from './completion.ts';
import type { FlushPoint, WriteCache } from './storage/write-cache.ts';

/** 4 MiB: some 1.3 ms. */
const SLICE_PAGES = 1024;

interface Waiting {
  readonly request: NullOwned;
  readonly upTo: FlushPoint;
}

export class Flusher implements DeferredWork {
  raised = false;
  readonly #cache: WriteCache;
  readonly #deferred: Deferred;
  readonly #complete: Complete;
  #waiting: Waiting[] = [];

  constructor(cache: WriteCache, deferred: Deferred, complete: Complete) {
    this.#cache = cache;
    this.#deferred = deferred;
    this.#complete = complete;
  }

  /** Completes `request`, a FLUSH, at once where one slice is enough. */
  take(request: NullOwned): void {
    this.#waiting.push({ request, upTo: this.#cache.flushPoint });
    if (!this.raised) this.runDeferred();
  }

  /** Ends with `status` all that wait. */
  giveUp(status: Status): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { request } of waiting) request.end(status);
  }

  runDeferred(): void {
    const moved = this.#cache.flushSome(SLICE_PAGES);
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
    if (this.#waiting.length > 0) this.#deferred.raiseNextTurn(this);
  }
}
