/** What a disk tells of its space: runs of sectors that hold data, read as zeros, or hold nothing.
 *  Source: nbd-protocol.md section 3.5 (base:allocation, whose bits these are). */

/** Status bits of a run of sectors. 0 is always true: data, as far as anybody knows. */
export const Allocation = { DATA: 0, HOLE: 1, ZERO: 2 } as const;

/** One run; made once and filled again and again. */
export class Extent {
  /** Sectors from where was asked on, at least one. */
  sectors = 0;
  status = 0;
}

export interface Extents {
  /** The run that begins at `sector` and ends at `end` at the latest. It may end before the status
   *  changes: who asks joins neighbours that are alike. O(sectors of one slab). */
  at(sector: number, end: number, into: Extent): void;
  /** Must a read of the sectors copy them, since they lie in two places? Undefined: never. */
  isScattered?(sector: number, end: number): boolean;
}

/** Of a disk that does not tell: everything may be data. */
export const allData: Extents = {
  at(sector, end, into) {
    into.sectors = end - sector;
    into.status = Allocation.DATA;
  },
};
