/** Gives the memory of freed slabs back to the system, a little in each turn of the event loop. One slab
 *  takes 40 to 125 us, so a device of many GiB takes seconds, and no client should wait for that. */

import {
  createSlabAllocator,
  type ReturningAllocator,
  type SlabAllocator,
} from '../pages/allocator.ts';
import type { DataMemory } from '../pages/memory.ts';
import type { Clock } from '../time/clock.ts';
import type { Deferred, DeferredWork } from '../time/deferred.ts';
import type { Timing } from './timing.ts';

/** The share of a turn that a reader waits for. A turn costs some 15 us by itself. */
const BUDGET_NS = 100_000;
/** In case the clock stands still. */
const SLABS_MAX = 10;

export class MemoryReturn implements DeferredWork {
  raised = false;
  readonly #clock: Clock;
  readonly #deferred: Deferred;
  readonly #allocator: () => ReturningAllocator;

  /** @param allocator is asked when there is something to return. */
  constructor(clock: Clock, deferred: Deferred, allocator: () => ReturningAllocator) {
    this.#clock = clock;
    this.#deferred = deferred;
    this.#allocator = allocator;
  }

  /** There is memory to return. */
  later(): void {
    this.#deferred.raiseNextTurn(this);
  }

  runDeferred(): void {
    const allocator = this.#allocator();
    const end = this.#clock.now() + BUDGET_NS;
    let slabs = 0;
    do {
      if (!allocator.returnSome(1)) return;
      slabs++;
    } while (slabs < SLABS_MAX && this.#clock.now() < end);
    this.later();
  }
}

/** Slabs for one thread; freed ones go back to the system little by little. */
export function returningSlabs({ clock, deferred }: Timing, memory: DataMemory): SlabAllocator {
  const memoryReturn = new MemoryReturn(clock, deferred, () => allocator);
  const allocator = createSlabAllocator({ memory, later: () => memoryReturn.later() });
  return allocator;
}
