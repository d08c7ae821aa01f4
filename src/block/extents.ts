/** What a disk says about its space: runs of sectors that hold data, read as zeros, or hold nothing.
 *  Source: nbd-protocol.md section 3.5 (base:allocation, whose bits these are). */

/** Status bits of a run of sectors. 0 is always correct: it means data, or unknown. */
export const Allocation = { DATA: 0, HOLE: 1, ZERO: 2 } as const;

/** One run; made once and filled again and again. */
export class Extent {
  /** Sectors from the sector that was asked for, at least one. */
  sectors = 0;
  status = 0;
}

export interface Extents {
  /** The run that begins at `sector` and ends at `end` at the latest. It may end before the status changes:
   *  the caller joins equal neighbours. O(sectors of one slab). */
  at(sector: number, end: number, into: Extent): void;
  /** True when a read of the sectors must copy them because they lie in two places. Undefined: never. */
  isScattered?(sector: number, end: number): boolean;
}

/** Of a disk that keeps no record: everything may be data. */
export const allData: Extents = {
  at(sector, end, into) {
    into.sectors = end - sector;
    into.status = Allocation.DATA;
  },
};
