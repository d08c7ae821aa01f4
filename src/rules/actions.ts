/** What a rule does when it strikes, as values. Source: faults.md section 1 (Action), faults.md section 3. */

import type { Wire } from '../block/wire-fault.ts';
import type { Nanoseconds } from '../units.ts';

/** What NBD can say. */
export const errnos = [
  'EPERM',
  'EIO',
  'ENOMEM',
  'EINVAL',
  'ENOSPC',
  'EOVERFLOW',
  'ENOTSUP',
  'ESHUTDOWN',
] as const;
export type ErrnoName = (typeof errnos)[number];

/** How long something takes, in ns, or how that is drawn. */
export type Delay =
  | { readonly form: 'fixed'; readonly ns: Nanoseconds }
  | { readonly form: 'uniform'; readonly min: Nanoseconds; readonly max: Nanoseconds }
  | { readonly form: 'exponential'; readonly mean: Nanoseconds }
  | { readonly form: 'lognormal'; readonly median: Nanoseconds; readonly p99: Nanoseconds }
  | { readonly form: 'trace'; readonly each: readonly Nanoseconds[] };

/** Which blocks of a write are stored. */
export type Kept =
  | { readonly form: 'first' | 'last'; readonly count: number }
  | {
      readonly form: 'blocks';
      readonly ranges: readonly (readonly [first: number, last: number])[];
    }
  | { readonly form: 'random' };

export type Corruption =
  | { readonly form: 'bits'; readonly count: number }
  | { readonly form: 'xor' | 'fill'; readonly byte: number }
  | { readonly form: 'random' };

/** How much of a command that fails is done. */
export type Applied =
  | { readonly form: 'none' | 'all' | 'drop' }
  | { readonly form: 'first'; readonly blocks: number };

export type Action =
  | {
      readonly kind: 'error';
      readonly errno: ErrnoName;
      readonly apply: Applied;
      /** The sectors of reads that were struck fail until they are written. */
      readonly untilRewrite: boolean;
    }
  /** Infinity: until it is released. */
  | { readonly kind: 'hang'; readonly ns: number }
  | { readonly kind: 'torn'; readonly kept: Kept; readonly answer: 'ok' | 'error' | 'cut' }
  | {
      readonly kind: 'misdirect';
      /** Sectors from where it was meant for; undefined: `to` is where it goes. */
      readonly by: number | undefined;
      readonly to: number;
    }
  | {
      readonly kind: 'cut';
      /** The last two are of the device's journal. */
      readonly keep: 'none' | 'all' | 'random' | 'whole' | 'torn';
      /** The command is carried out before it, or not at all. */
      readonly at: 'before' | 'after';
    }
  | { readonly kind: 'lose' }
  | { readonly kind: 'lie' }
  | { readonly kind: 'stale'; readonly writes: number }
  | {
      readonly kind: 'corrupt';
      readonly how: Corruption;
      readonly where: 'reply' | 'store' | 'either';
    }
  | { readonly kind: 'wire'; readonly wire: Wire; readonly apply: 'all' | 'none' };

export type ActionKind = Action['kind'];
