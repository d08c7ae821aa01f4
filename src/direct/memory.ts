/** Where the words of a device stand in the memory that threads share of it. */

import { SLAB_BYTES } from '../pages/slab.ts';
import { LINE_WORDS } from '../units.ts';

/** What a thread must be given to execute requests of a device itself. */
export interface DeviceMemory {
  /** Never used for another device. */
  readonly id: number;
  readonly words: SharedArrayBuffer;
  /** An entry for each extent of the size of a slab. */
  readonly table: SharedArrayBuffer;
  /** What each thread has executed, see DirectTimes. */
  readonly times: SharedArrayBuffer;
}

/** A power of two. An extent is locked by one word of these: two extents seldom by the same. */
const LOCKS = 4096;

export const Words = {
  /** Of `Enabled`. */
  ENABLED: 0,
  /** 1: this thread is doing so. In lines of their own. */
  ofThread: (thread: number): number => (thread + 1) * LINE_WORDS,
  /** The locks, by extent. */
  lockOf: (threads: number, extent: number): number =>
    (threads + 1) * LINE_WORDS + (extent & (LOCKS - 1)),
  bytesFor: (threads: number): number => 4 * ((threads + 1) * LINE_WORDS + LOCKS),
} as const;

/** Whether threads may execute requests. */
export const Enabled = {
  NO: 0,
  YES: 1,
  /** Yes, and they note each for the request log. */
  LOGGED: 2,
} as const;

/** An extent's entry. 0: it holds nothing and reads as zeros. -2: its bytes are in several slabs, and only the main
 *  thread knows where. Else the number of its slab, and whether threads may write there: only where that changes
 *  nothing but bytes. */
export const Entry = {
  HOLE: 0,
  LAYERED: -2,
  of: (slab: number, writable: boolean): number => ((slab + 1) << 1) | (writable ? 1 : 0),
  slab: (entry: number): number => (entry >>> 1) - 1,
  writable: (entry: number): boolean => (entry & 1) !== 0,
} as const;

/** With a table of 32 MiB, of which memory is taken as it is touched. */
export const CAPACITY_MAX = 2 ** 23 * SLAB_BYTES;
