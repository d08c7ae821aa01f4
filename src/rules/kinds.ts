/** From the text of a word to its value: one grammar for plans, the API and the command line.
 *  Source: faults.md section 1. */

import type { Wire } from '../block/wire-fault.ts';
import { parseInteger } from '../config/numbers.ts';
import { parseSize } from '../config/sizes.ts';
import { SECTOR_BYTES } from '../units.ts';
import {
  type Applied,
  type Corruption,
  type Delay,
  type ErrnoName,
  errnos,
  type Kept,
} from './actions.ts';
import { DURATION_RULE, parseDuration } from './durations.ts';
import { type OperationSet, operationOf, operations, setOf } from './operations.ts';

/** What one word takes. */
export interface Kind<T> {
  /** Behind "must be". */
  readonly allowed: string;
  /** JSON's number besides text. */
  readonly numeric: boolean;
  /** All that there are, where they can be listed. */
  readonly values?: readonly string[];
  /** @returns undefined when the text is none of it. */
  read(text: string): T | undefined;
}

function kind<T>(allowed: string, read: (text: string) => T | undefined, numeric = false): Kind<T> {
  return { allowed, numeric, read };
}

export interface Range {
  readonly first: number;
  readonly last: number;
}

export function whole(min: number, max = Number.MAX_SAFE_INTEGER): Kind<number> {
  const most = max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`;
  const allowed = `a whole number from ${min}${most}${most === '' ? ' on, below 2^53' : ''}`;
  return kind(allowed, (text) => inRange(parseInteger(text), min, max), true);
}

function inRange(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

export function oneOf<T extends string>(...values: readonly T[]): Kind<T> {
  const allowed = values.length === 1 ? `${values[0]}` : `one of ${values.join(', ')}`;
  return { ...kind(allowed, (text) => values.find((value) => value === text)), values };
}

export const one: Kind<true> = kind('1', (text) => (text === '1' ? true : undefined), true);
export const bit: Kind<boolean> = kind('0 or 1', (t) => ({ '0': false, '1': true })[t], true);
export const text: Kind<string> = kind('a text of 1 to 4096 bytes', (t) =>
  t !== '' && Buffer.byteLength(t) <= 4096 ? t : undefined,
);
export const id: Kind<string> = kind('1 to 64 letters, digits, `.`, `_` or `-`', (t) =>
  /^[\w.-]{1,64}$/.test(t) ? t : undefined,
);

export const operationNames: Kind<OperationSet> = kind(
  `names out of ${Object.keys(operations).join(', ')}, with commas between them`,
  (t) => {
    const some = t.split(',').map(operationOf);
    return some.includes(undefined) ? undefined : setOf(some.filter((op) => op !== undefined));
  },
);

/** Both ends included. */
export const sectorRange: Kind<Range> = kind(
  'FIRST-LAST or one sector, of 512 bytes, FIRST not behind LAST',
  (t) => range(t, parseInteger),
  true,
);

export const sizeRange: Kind<Range> = kind(
  'a size or MIN-MAX: bytes, or with k, M or G, MIN not above MAX',
  (t) => range(t, size),
  true,
);

export const alignment: Kind<number> = kind(
  `a size that is a multiple of ${SECTOR_BYTES}: bytes, or with k, M or G`,
  (t) => {
    const value = size(t);
    return value !== undefined && value > 0 && value % SECTOR_BYTES === 0 ? value : undefined;
  },
  true,
);

/** A command is never that long. */
const BEYOND_G = /^\d+[tpe](?:ib)?$/i;

function size(t: string): number | undefined {
  const value = BEYOND_G.test(t) ? undefined : parseSize(t);
  return value === undefined ? undefined : inRange(Number(value), 0, Number.MAX_SAFE_INTEGER);
}

function range(t: string, read: (text: string) => number | undefined): Range | undefined {
  const [left = '', right = left, ...more] = t.split('-');
  const [first, last] = [read(left), read(right)];
  if (more.length > 0 || first === undefined || last === undefined || first > last)
    return undefined;
  return last <= Number.MAX_SAFE_INTEGER ? { first, last } : undefined;
}

const PATTERN_BYTES_MAX = 64;

export const pattern: Kind<Uint8Array> = kind(
  `1 to ${PATTERN_BYTES_MAX} bytes as pairs of hexadecimal digits`,
  (t) =>
    /^(?:[0-9a-fA-F]{2})+$/.test(t) && t.length <= 2 * PATTERN_BYTES_MAX
      ? Uint8Array.from(Buffer.from(t, 'hex'))
      : undefined,
);

/** 0 to 100. */
export const percent: Kind<number> = kind(
  'a percentage from 0 to 100, decimals allowed',
  (t) => (/^\d+(?:\.\d+)?$/.test(t) ? inRange(Number(t), 0, 100) : undefined),
  true,
);

export const duration: Kind<number> = kind(DURATION_RULE, parseDuration);

export const durationOrOn: Kind<number> = kind(`on, or ${DURATION_RULE}`, (t) =>
  t === 'on' ? Number.POSITIVE_INFINITY : parseDuration(t),
);

/** `until=5s` ends the match; `until=rewrite` belongs to an error. */
export const untilWhen: Kind<number | 'rewrite'> = kind(`rewrite, or ${DURATION_RULE}`, (t) =>
  t === 'rewrite' ? t : parseDuration(t),
);

export const errno: Kind<ErrnoName> = oneOf(...errnos);

export const applied: Kind<Applied> = kind(
  'none, all, drop or first:BLOCKS, BLOCKS from 1 on, below 2^32',
  (t) => {
    if (t === 'none' || t === 'all' || t === 'drop') return { form: t };
    const blocks = numbered(t, 'first', 1);
    return blocks === undefined ? undefined : { form: 'first', blocks };
  },
);

/** `NAME:N`. @returns N. */
function numbered(t: string, name: string, min: number, max = 2 ** 32 - 1): number | undefined {
  const [, digits] = new RegExp(`^${name}:(.+)$`).exec(t) ?? [];
  return digits === undefined ? undefined : inRange(parseInteger(digits), min, max);
}

export const delay: Kind<Delay> = kind(
  'a duration (5ms, at most 2501h), uniform:MIN:MAX, exponential:MEAN, lognormal:MEDIAN:P99 or trace:D,D,..., ' +
    'MIN not above MAX, MEDIAN above 0 and not above P99',
  (t) => {
    const [form = '', ...rest] = t.split(':');
    if (rest.length === 0) {
      const ns = parseDuration(form);
      return ns === undefined ? undefined : { form: 'fixed', ns };
    }
    const times = (form === 'trace' ? rest.join(':').split(',') : rest).map(parseDuration);
    const [a, b] = times;
    if (a === undefined || times.includes(undefined)) return undefined;
    if (form === 'trace') return { form, each: times.filter((ns) => ns !== undefined) };
    if (form === 'exponential' && times.length === 1) return { form, mean: a };
    if (b === undefined || times.length !== 2 || a > b) return undefined;
    if (form === 'uniform') return { form, min: a, max: b };
    return form === 'lognormal' && a > 0 ? { form, median: a, p99: b } : undefined;
  },
);

export const kept: Kind<Kept> = kind(
  'first:N, last:N, blocks:N,N-M,... or random, N below 2^32 and not above M',
  (t) => {
    if (t === 'random') return { form: t };
    for (const form of ['first', 'last'] as const) {
      const count = numbered(t, form, 0);
      if (count !== undefined) return { form, count };
    }
    const [, list] = /^blocks:(.+)$/.exec(t) ?? [];
    const ranges = list?.split(',').map((part) => range(part, parseInteger)) ?? [undefined];
    if (ranges.includes(undefined)) return undefined;
    return {
      form: 'blocks',
      ranges: ranges.flatMap((found) => (found === undefined ? [] : [[found.first, found.last]])),
    };
  },
);

/** Sectors: `+N` and `-N` from where it was meant for, `=N` from the start of the device. */
export const misdirection: Kind<{ readonly by: number | undefined; readonly to: number }> = kind(
  '+N, -N or =N sectors, N from 1 on, behind = from 0',
  (t) => {
    const [, sign, digits = ''] = /^([-+=])(.+)$/.exec(t) ?? [];
    const value = inRange(parseInteger(digits), 0, Number.MAX_SAFE_INTEGER);
    if (value === undefined) return undefined;
    if (sign === '=') return { by: undefined, to: value };
    return value === 0 ? undefined : { by: sign === '+' ? value : -value, to: 0 };
  },
);

/** They are drawn in one go, while everybody waits; so is garbage. */
const BITS_MAX = 4096;
const GARBAGE_MAX = 64 << 10;

const corruptions = `bits:N (at most ${BITS_MAX}), xor:HH, fill:HH or random`;

export const corruption: Kind<Corruption> = kind(corruptions, (t) => {
  if (t === 'random') return { form: t };
  const count = numbered(t, 'bits', 1, BITS_MAX);
  if (count !== undefined) return { form: 'bits', count };
  const [, form, digits = ''] = /^(xor|fill):([0-9a-fA-F]{2})$/.exec(t) ?? [];
  const byte = Number.parseInt(digits, 16);
  return form === 'xor' || form === 'fill' ? { form, byte } : undefined;
});

export const wire: Kind<Wire> = kind(
  'reset, close, truncate:BYTES, stall:BYTES, drip:BYTES:DURATION, cookie, duplicate, reorder:REPLIES, ' +
    `garbage:BYTES (at most ${GARBAGE_MAX}), magic or error:NUMBER, numbers from 1 on, of truncate and stall ` +
    'from 0, all below 2^32',
  (t) => {
    switch (t) {
      case 'reset':
      case 'close':
      case 'cookie':
      case 'duplicate':
      case 'magic':
        return { form: t };
    }
    for (const form of ['truncate', 'stall'] as const) {
      const count = numbered(t, form, 0);
      if (count !== undefined) return { form, bytes: count };
    }
    const garbage = numbered(t, 'garbage', 1, GARBAGE_MAX);
    if (garbage !== undefined) return { form: 'garbage', bytes: garbage };
    const replies = numbered(t, 'reorder', 1);
    if (replies !== undefined) return { form: 'reorder', replies };
    const value = numbered(t, 'error', 1);
    if (value !== undefined) return { form: 'error', value };
    const [, portion = '', pause = ''] = /^drip:([^:]+):(.+)$/.exec(t) ?? [];
    const [bytes, apart] = [inRange(parseInteger(portion), 1, 2 ** 32 - 1), parseDuration(pause)];
    return bytes === undefined || apart === undefined ? undefined : { form: 'drip', bytes, apart };
  },
);
