/** Cuts off clients that are idle for too long, or that stop in the middle. It looks at all of them now and
 *  then, so that a request costs nothing. */

import type { Scheduler } from '../time/clock.ts';
import type { ClientLimits } from './client-limits.ts';

/** `client`: something is half done, and the client must go on. `nothing`: it is idle. `us`: its requests are
 *  being executed, however long that takes. */
export type WaitsFor = 'client' | 'nothing' | 'us';

export interface Watched {
  /** Changes whenever bytes move, in either direction; not when there are more for the client to take. */
  readonly moved: number;
  readonly waitsFor: WaitsFor;
  cutOff(reason: string): void;
}

/** A time limit is precise to an eighth of it, within these bounds. */
const LOOKS_PER_LIMIT = 8;
const LOOK_MS_MIN = 100;
const LOOK_MS_MAX = 10_000;

interface Seen {
  moved: number;
  waitsFor: WaitsFor;
  forMs: number;
}

export class Watch {
  readonly #scheduler: Scheduler;
  readonly #limits: { readonly [W in WaitsFor]: number };
  readonly #seen = new Map<Watched, Seen>();
  readonly #lookMs: number;
  #cancel: (() => void) | undefined;

  constructor(scheduler: Scheduler, { idleTime, stallTime }: ClientLimits) {
    this.#scheduler = scheduler;
    this.#limits = { client: stallTime * 1000, nothing: idleTime * 1000, us: 0 };
    const least = Math.min(...Object.values(this.#limits).filter((ms) => ms > 0));
    this.#lookMs = Math.min(LOOK_MS_MAX, Math.max(LOOK_MS_MIN, least / LOOKS_PER_LIMIT));
  }

  add(client: Watched): void {
    if (this.#limits.client === 0 && this.#limits.nothing === 0) return;
    this.#seen.set(client, { moved: -1, waitsFor: 'us', forMs: 0 });
    if (this.#cancel === undefined) this.#wait();
  }

  remove(client: Watched): void {
    this.#seen.delete(client);
    if (this.#seen.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #wait(): void {
    this.#cancel = this.#scheduler.timeout(() => this.#look(), this.#lookMs);
  }

  #look(): void {
    this.#wait(); // before the last one is cut off, which ends it
    for (const [client, seen] of this.#seen) {
      const { moved, waitsFor } = client;
      const same = seen.moved === moved && seen.waitsFor === waitsFor;
      seen.forMs = same ? seen.forMs + this.#lookMs : 0;
      seen.moved = moved;
      seen.waitsFor = waitsFor;
      const limit = this.#limits[waitsFor];
      if (limit > 0 && seen.forMs >= limit) client.cutOff(reasonOf(waitsFor, limit / 1000));
    }
  }
}

function reasonOf(waitsFor: WaitsFor, seconds: number): string {
  return waitsFor === 'client'
    ? `stopped in the middle for ${seconds} s (--stall-timeout)`
    : `idle for ${seconds} s (--idle-timeout)`;
}
