/** The fields of a row of the parameter table. Knows no row: they are in parameters.ts.
 *  Source: driver.md section 1. */

import type { FaultSettings } from './fault-settings.ts';

/** How a text is read. `count` is an integer that means a boolean: not 0 is true (as an attribute
 *  it is a boolean). `fault` is `interval,probability,space,times`. `path` is of a file that the server
 *  opens; empty: none. */
export type Kind = 'boolean' | 'count' | 'integer' | 'fault' | 'text' | 'path' | 'word';
/** Where it can be set: P at start (flag and word), C as a control attribute. */
export type Where = 'P' | 'C' | 'P and C';
/** When an attribute can be changed. */
export type When = 'start' | 'off' | 'live' | 'powered on' | 'read only';
export const topics = [
  'devices',
  'queues',
  'completion',
  'limits',
  'data',
  'bandwidth',
  'bad blocks',
  'journal',
  'log',
  'zones',
  'faults',
  'control',
] as const;
export type Topic = (typeof topics)[number];

/** A value that an option can have. */
export type Value = boolean | number | bigint | string | FaultSettings;

export interface Row {
  readonly kind: Kind;
  readonly topic: Topic;
  readonly where: Where;
  readonly when: When;
  readonly default: boolean | number | bigint | string;
  /** Smallest and largest number that a flag or word takes; an attribute takes all of its width. */
  readonly min?: number;
  readonly max?: number | bigint;
  /** Bits of the attribute; 32 when not given. */
  readonly width?: 64;
  /** Numbers above 2^53 must not be rounded: the value is a bigint, in JSON above 2^53 a text. */
  readonly exact?: true;
  /** The only numbers the device ever sees. */
  readonly oneOf?: readonly number[];
  /** Of a `word`, all there are. */
  readonly words?: readonly string[];
  readonly unit?: string;
  /** The attribute's (for a fault: the group's) name, where it is not the parameter's. */
  readonly attribute?: string;
  /** What a value must be or becomes, beyond min and max; completes the sentence "must be ...". */
  readonly rule?: string;
  readonly help: string;
}
