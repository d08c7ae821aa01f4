/** What a disk can do and how long its requests may be: set by the driver when it is built.
 *  Source: driver.md section 1. */

export interface Limits {
  /** Logical and physical block size in bytes: a power of two, 512..4096. */
  readonly blockBytes: number;
  /** Largest READ, WRITE, or judged WRITE_ZEROES, in sectors; longer bios are split. 0: no limit. */
  readonly maxSectors: number;
  /** Discards and zeroes are cut into slices of so many sectors (max_hw_discard_sectors). */
  readonly sliceSectors: number;
  /** A read or write of several requests goes on in the next turn after so many sectors. */
  readonly copySectors: number;
  /** All data are copied (a write cache), so that requests are no longer than `copySectors` either. */
  readonly cutsCopies: boolean;
  /** Zeroing a hole takes no time, so a slice may go on to its end. */
  readonly freeHoles: boolean;
  /** No request crosses a multiple of so many sectors: the zone size. 0 = no such boundary. */
  readonly chunkSectors: number;
  /** Segments of a request may meet at page boundaries only; others are split there. */
  readonly virtBoundary: boolean;
}

/** What may end one request of a bio and not the next: bad blocks, zones, faults. With it the parts of a long
 *  discard or of zeroes are no longer than those of a write. */
export interface Judge {
  /** The first sector in [sector, end) that it may end, or -1. */
  firstJudged(sector: number, end: number): number;
}

export interface Features {
  readonly rotational: boolean;
  /** Accepts discards; a zoned disk takes those that cover whole zones as resets. */
  readonly discard: boolean;
  /** Written data may be lost until they are flushed. */
  readonly writeCache: boolean;
  /** With a write cache: single writes can be made durable. */
  readonly fua: boolean;
  /** Host-managed zones: writes go to write pointers only, in order. */
  readonly zoned: boolean;
  /** Writing zeroes by a command takes less time than writing them as data. */
  readonly fastZeroes: boolean;
  /** A read may be answered with views of the device's own pages. */
  readonly views: boolean;
  /** A request ends inside `queueRq`, so the data it filled need no place of their own meanwhile. */
  readonly completesInline: boolean;
}
