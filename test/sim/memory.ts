/** The daemon's slabs, counted: whoever takes one gives it back, once; and the n-th time that memory is asked
 *  for there may be none. */

import { returningSlabs } from '../../src/daemon/memory-return.ts';
import type { Timing } from '../../src/daemon/timing.ts';
import type { SlabAllocator } from '../../src/pages/allocator.ts';
import { DataMemory, Room, SLAB_OVERHEAD_BYTES } from '../../src/pages/memory.ts';
import { PagePlaces } from '../../src/pages/scattered.ts';
import { PAGE_BYTES, type Slab } from '../../src/pages/slab.ts';
import { Found } from './failure.ts';

const MiB = 1 << 20;
/** Large buffers of the runs before: each run has a daemon, whose first client would have one made. */
const reused = new Map<number, Uint8Array>();

/** Refuses once, and makes large buffers of any content once for all runs. */
class CountedMemory extends DataMemory {
  readonly #refuses: (what: string) => boolean;
  readonly #taken = new Set<number>();

  /** @param refuses is told what is asked for. */
  constructor(refuses: (what: string) => boolean) {
    super({ fails: (length) => refuses(`data of ${length}`) });
    this.#refuses = refuses;
  }

  override buffer(length: number): Uint8Array | undefined {
    if (this.#refuses(`buffer of ${length}`)) return undefined;
    if (length < MiB || this.#taken.has(length)) return new Uint8Array(length);
    this.#taken.add(length);
    const buffer = reused.get(length) ?? new Uint8Array(length);
    reused.set(length, buffer);
    return buffer;
  }
}

export class Memory implements SlabAllocator {
  readonly memory: DataMemory;
  /** How often memory was asked for. */
  asked = 0;
  /** What was asked for, and was not to be had. */
  refused: string | undefined;
  /** Every slab that anybody ever had. */
  readonly #known = new Set<Slab>();
  readonly #slabs: SlabAllocator;
  readonly #places = new PagePlaces(this);
  readonly #out = new Set<Slab>();

  /** @param failsAt which time of asking fails; 0: none. @param onFail hears of it before that. */
  constructor(timing: Timing, failsAt: number, onFail: () => void) {
    const fails = (what: string): boolean => {
      this.asked++;
      if (this.asked !== failsAt) return false;
      this.refused = what;
      onFail();
      return true;
    };
    this.memory = new CountedMemory(fails);
    this.#slabs = returningSlabs(timing, this.memory);
  }

  /** Slabs that somebody has. */
  get out(): ReadonlySet<Slab> {
    return this.#out;
  }

  get freeBytes(): SlabAllocator['freeBytes'] {
    return this.#slabs.freeBytes;
  }

  /** What is charged while nobody has a slab: the slabs, and what of them is kept for reuse. */
  get keptBytes(): number {
    let kept = 0;
    for (const { residentPages, scattered } of this.#known) {
      // Scattered ones are not kept.
      if (scattered === undefined) kept += SLAB_OVERHEAD_BYTES + residentPages * PAGE_BYTES;
    }
    // One that was made, and for whose pages there was no memory.
    return this.refused !== undefined ? kept + SLAB_OVERHEAD_BYTES : kept;
  }

  take(room?: Room): Slab | undefined {
    return this.#taken(this.#slabs.take(room));
  }

  takeFresh(room?: Room): Slab | undefined {
    return this.#taken(this.#slabs.takeFresh(room));
  }

  takeDirty(room?: Room): Slab | undefined {
    return this.#taken(this.#slabs.takeDirty(room));
  }

  takeAny(room?: Room): Slab | undefined {
    return this.#taken(this.#slabs.takeAny(room));
  }

  takeScattered(room: Room = Room.DATA): Slab | undefined {
    return this.#taken(this.#places.takeSlab(room));
  }

  admit(slab: Slab, pages: number, room?: Room): boolean {
    return this.#slabs.admit(slab, pages, room);
  }

  isWithinLimit(): boolean {
    return this.#slabs.isWithinLimit();
  }

  give(slab: Slab): void {
    if (!this.#out.delete(slab)) throw new Found('leak', 'a slab was given back that nobody had');
    this.#slabs.give(slab);
  }

  #taken(slab: Slab | undefined): Slab | undefined {
    if (slab === undefined) return undefined;
    if (this.#out.has(slab)) throw new Found('leak', 'a slab was given to two');
    this.#out.add(slab);
    this.#known.add(slab);
    return slab;
  }
}
