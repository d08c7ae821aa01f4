/** Buffers of one size for what clients send and are sent: all connections share and reuse them, and they go
 *  back to the system when many clients are gone.
 *
 *  They are cut from arenas. The first is small, for a few clients, and stays. All others have more than
 *  32 MiB, because malloc (glibc's) asks the system for each of those alone and gives it back when it is freed.
 *  Smaller memory comes from its heap once some of that size was freed, and stays there: 200 clients that came
 *  and went for minutes left 190 MiB. */

import type { DataMemory } from '../pages/memory.ts';
import type { Scheduler } from '../time/clock.ts';
import { bug } from '../units.ts';
import { limits } from './limits.ts';

export const BUFFER_BYTES = limits.connectionBuffer.max;
/** 4 MiB. Two of a large arena are what V8 collects its whole heap for. */
const FIRST_BUFFERS = 16;
/** 32.5 MiB: malloc's threshold never rises above 32 MiB. Memory is taken when it is touched. */
const ARENA_BUFFERS = 128;
/** Clients that come back within this time find their buffers warm. */
const RETURN_MS = 5000;

export interface PooledBuffer {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** They go back when the connection has ended. */
export interface ConnectionBuffers {
  readonly received: PooledBuffer;
  readonly replies: PooledBuffer;
}

class Arena {
  readonly free: ArenaBuffer[] = [];
  readonly #count: number;

  constructor(memory: ArrayBuffer) {
    this.#count = memory.byteLength / BUFFER_BYTES;
    // The first one is used first.
    for (let at = this.#count - 1; at >= 0; at--) {
      this.free.push(new ArenaBuffer(memory, at * BUFFER_BYTES, this));
    }
  }

  get isIdle(): boolean {
    return this.free.length === this.#count;
  }
}

class ArenaBuffer implements PooledBuffer {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly arena: Arena;

  constructor(memory: ArrayBuffer, start: number, arena: Arena) {
    this.bytes = new Uint8Array(memory, start, BUFFER_BYTES);
    this.view = new DataView(memory, start, BUFFER_BYTES);
    this.arena = arena;
  }
}

export class BufferPool {
  readonly #memory: DataMemory;
  readonly #scheduler: Scheduler;
  readonly #collect: (() => void) | undefined;
  /** The oldest first: it is used before the others, so that those become idle. */
  #arenas: Arena[] = [];
  #returning = false;
  /** A place for bytes that will never be sent. */
  readonly void: PooledBuffer = makeVoid();

  /** @param collect collects dropped memory now. Undefined: later. */
  constructor(memory: DataMemory, scheduler: Scheduler, collect?: () => void) {
    this.#memory = memory;
    this.#scheduler = scheduler;
    this.#collect = collect;
  }

  /** How many arenas there are. */
  get arenas(): number {
    return this.#arenas.length;
  }

  /** The content is arbitrary. Undefined: there is no memory. */
  take(): PooledBuffer | undefined {
    for (const { free } of this.#arenas) {
      const buffer = free.pop();
      if (buffer !== undefined) return buffer;
    }
    return this.#makeArena()?.free.pop();
  }

  give(buffer: PooledBuffer): void {
    if (buffer === this.void) return;
    if (!(buffer instanceof ArenaBuffer)) bug('a buffer of another pool was given back');
    const { arena } = buffer;
    arena.free.push(buffer);
    if (!arena.isIdle || this.#returning || this.#arenas.length <= 2) return;
    this.#returning = true;
    this.#scheduler.timeout(() => this.#returnIdle(), RETURN_MS);
  }

  #makeArena(): Arena | undefined {
    const count = this.#arenas.length === 0 ? FIRST_BUFFERS : ARENA_BUFFERS;
    const memory = this.#memory.buffer(count * BUFFER_BYTES)?.buffer;
    if (!(memory instanceof ArrayBuffer)) return undefined;
    const arena = new Arena(memory);
    this.#arenas.push(arena);
    return arena;
  }

  /** All unused large arenas but one. */
  #returnIdle(): void {
    this.#returning = false;
    const [first, ...large] = this.#arenas;
    const kept = large.find((arena) => arena.isIdle);
    const stay = large.filter((arena) => arena === kept || !arena.isIdle);
    if (first === undefined || stay.length === large.length) return;
    this.#arenas = [first, ...stay];
    this.#collect?.();
  }
}

function makeVoid(): PooledBuffer {
  const memory = new ArrayBuffer(BUFFER_BYTES);
  return { bytes: new Uint8Array(memory), view: new DataView(memory) };
}
