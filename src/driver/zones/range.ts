/** Ranges of sectors as zones, as management operations name them. Pure.
 *  Source: driver.md section 6, Ranges. */

import type { ZoneSet } from './zone-set.ts';

/** The zones `first` .. `first + count - 1`. */
export interface ZoneRange {
  readonly first: number;
  readonly count: number;
  /** Every zone of the device: resetting it is a reset all. */
  readonly whole: boolean;
}

type Shape = Pick<ZoneSet, 'count' | 'options' | 'indexOf' | 'length'>;

/** The zones of a management operation, one request each, in order, up to the first that fails.
 *  @param sectors whole zones, the last of which may be short; the default is one zone.
 *  @returns undefined when these are not whole zones of the device (EINVAL). */
export function managementRange(
  zones: Shape,
  sector: number,
  sectors?: number,
): ZoneRange | undefined {
  const { capacity, zoneSectors } = zones.options;
  const first = zones.indexOf(sector);
  if (first < 0 || sector % zoneSectors !== 0) return undefined;
  const end = sector + (sectors ?? zones.length(first));
  if (!(end > sector && end <= capacity)) return undefined;
  if (end % zoneSectors !== 0 && end !== capacity) return undefined;
  const count = Math.ceil((end - sector) / zoneSectors);
  return { first, count, whole: count === zones.count };
}
