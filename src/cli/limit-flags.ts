/** The limits on clients as flags: from their table to options and to text. */

import { shown } from '../config/errors.ts';
import { parseInteger } from '../config/kinds.ts';
import {
  type ClientLimit,
  clientLimits,
  type LimitName,
  limitNames,
} from '../server/client-limits.ts';
import { EXACT_MAX, GiB, KiB, MiB } from '../units.ts';
import { UsageError } from './usage-error.ts';

const SCALES: Readonly<Record<string, number>> = { '': 1, K: KiB, M: MiB, G: GiB };

export interface LimitFlag {
  readonly name: LimitName;
  /** As commander takes it: `--idle-timeout <seconds>`. */
  readonly flags: string;
  readonly help: string;
  /** @throws UsageError in one line that names the flag. */
  parse(text: string): number;
}

export const limitFlags: readonly LimitFlag[] = limitNames.map((name) => {
  const row: ClientLimit = clientLimits[name];
  return {
    name,
    flags: `--${row.flag} <${row.unit}>`,
    help: `${row.help} (${rangeText(row)})`,
    parse: (text) => parse(row, text),
  };
});

/** Less is no room for a device worth having. */
const MEMORY_LIMIT_MIN = 16 * MiB;

/** @throws UsageError in one line that names the flag. */
export function parseMemoryLimit(text: string): number {
  const value = parseBytes(text);
  if (value === 0 || (value !== undefined && value >= MEMORY_LIMIT_MIN && value <= EXACT_MAX)) {
    return value;
  }
  throw new UsageError(
    `--memory-limit=${shown(text)}: must be 16M or more (bytes), or 0 for no limit`,
  );
}

function parse(row: ClientLimit, text: string): number {
  const value = row.unit === 'bytes' ? parseBytes(text) : parseInteger(text);
  const fine =
    value !== undefined &&
    ((value >= row.min && value <= row.max) || (value === 0 && row.zero !== undefined));
  if (fine) return value;
  throw new UsageError(`--${row.flag}=${text}: must be ${ruleText(row)}`);
}

function parseBytes(text: string): number | undefined {
  const [, digits = '', scale = ''] = /^(\w+?)(?:([KMG])(?:i?B)?)?$/.exec(text) ?? [];
  const value = parseInteger(digits);
  return value === undefined ? undefined : value * (SCALES[scale] ?? 1);
}

function ruleText(row: ClientLimit): string {
  const zero = row.zero === undefined ? '' : `, or 0 for ${row.zero}`;
  return `${amount(row, row.min)}..${amount(row, row.max)} (${row.unit})${zero}`;
}

/** For help: what it is unless told, and what it may be. */
function rangeText(row: ClientLimit): string {
  const usual = row.default === 0 && row.zero !== undefined ? row.zero : amount(row, row.default);
  const zero = row.zero === undefined || row.zero === usual ? '' : `; 0: ${row.zero}`;
  return `default ${usual}${zero}`;
}

function amount({ unit }: ClientLimit, value: number): string {
  if (unit !== 'bytes') return String(value);
  const [name, scale] = value % GiB === 0 ? ['G', GiB] : ['M', MiB];
  return `${value / scale}${name}`;
}
