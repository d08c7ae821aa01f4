/** A zone as observers see it: its type, its condition and its report.
 *  Not the rules: those are in transitions.ts. Source: driver.md section 6. The numbers are Linux's. */

import type { Sector } from '../../units.ts';

export const ZoneType = { CONVENTIONAL: 1, SEQWRITE_REQ: 2 } as const;
export type ZoneType = (typeof ZoneType)[keyof typeof ZoneType];

export const ZoneCondition = {
  NOT_WP: 0,
  EMPTY: 1,
  IMP_OPEN: 2,
  EXP_OPEN: 3,
  CLOSED: 4,
  READONLY: 13,
  FULL: 14,
  OFFLINE: 15,
} as const;
export type ZoneCondition = (typeof ZoneCondition)[keyof typeof ZoneCondition];

/** As the control API spells them (control.md section 3). */
export const zoneTypeNames = {
  [ZoneType.CONVENTIONAL]: 'conventional',
  [ZoneType.SEQWRITE_REQ]: 'sequential',
} as const satisfies Record<ZoneType, string>;

/** As the control API spells them (control.md section 3). */
export const zoneConditionNames = {
  [ZoneCondition.NOT_WP]: 'not-wp',
  [ZoneCondition.EMPTY]: 'empty',
  [ZoneCondition.IMP_OPEN]: 'implicit-open',
  [ZoneCondition.EXP_OPEN]: 'explicit-open',
  [ZoneCondition.CLOSED]: 'closed',
  [ZoneCondition.READONLY]: 'read-only',
  [ZoneCondition.FULL]: 'full',
  [ZoneCondition.OFFLINE]: 'offline',
} as const satisfies Record<ZoneCondition, string>;

/** The write pointer of a zone that has none to show: read-only or offline. */
export const NO_WRITE_POINTER = -1;

/** One zone of a report, in sectors. */
export interface ZoneInfo {
  readonly start: Sector;
  readonly length: Sector;
  readonly capacity: Sector;
  /** A sector of the device, or NO_WRITE_POINTER. A conventional zone shows its end. */
  readonly writePointer: number;
  readonly type: ZoneType;
  readonly condition: ZoneCondition;
}

/** A zoned device, after the configuration has judged and adjusted it. */
export interface ZoneOptions {
  readonly capacity: Sector;
  /** A power of two, at most the capacity. */
  readonly zoneSectors: number;
  /** At most `zoneSectors`. */
  readonly zoneCapacitySectors: number;
  /** How many zones from the start are conventional; fewer than there are zones. */
  readonly conventional: number;
  /** 0 = no limit. */
  readonly maxOpen: number;
  /** 0 = no limit. */
  readonly maxActive: number;
  /** 0 = no native append. */
  readonly appendMaxSectors: number;
  /** Sequential zones start FULL. */
  readonly full: boolean;
}
