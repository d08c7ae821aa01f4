/** The limits on clients as flags: from their table to options and to text. */

import { shown } from '../config/errors.ts';
import { parseInteger } from '../config/numbers.ts';
import { parseSize, SIZE_UNITS, sizeText } from '../config/sizes.ts';
import {
  type ClientLimit,
  clientLimits,
  type LimitName,
  limitNames,
} from '../server/client-limits.ts';
import { EXACT_MAX, MiB } from '../units.ts';
import { UsageError } from './usage-error.ts';

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
    flags: `--${row.flag} <${row.unit === 'bytes' ? 'size' : row.unit}>`,
    help: `${row.help} (${rangeText(row)})`,
    parse: (text) => parse(row, text),
  };
});

/** A size that is not a limit of clients. */
const MEMORY_LIMIT = {
  flag: 'memory-limit',
  unit: 'bytes',
  // Less is no room for a useful device.
  min: 16 * MiB,
  max: EXACT_MAX,
  zero: 'no limit',
} as const;

/** @throws UsageError in one line that names the flag. */
export function parseMemoryLimit(text: string): number {
  return parse(MEMORY_LIMIT, text);
}

type Rule = Pick<ClientLimit, 'flag' | 'unit' | 'min' | 'max' | 'zero'>;

function parse(row: Rule, text: string): number {
  const value = row.unit === 'bytes' ? parseBytes(text) : parseInteger(text);
  const fine =
    value !== undefined &&
    ((value >= row.min && value <= row.max) || (value === 0 && row.zero !== undefined));
  if (fine) return value;
  throw new UsageError(`--${row.flag}=${shown(text)}: must be ${ruleText(row)}`);
}

function parseBytes(text: string): number | undefined {
  const size = parseSize(text);
  return size === undefined ? undefined : Number(size);
}

function ruleText(row: Rule): string {
  const zero = row.zero === undefined ? '' : `, or 0 for ${row.zero}`;
  const range = `${amount(row, row.min)}..${amount(row, row.max)}`;
  const unit = row.unit === 'bytes' ? `bytes, ${SIZE_UNITS}` : row.unit;
  return `${range} (${unit})${zero}`;
}

/** For help: the default, and the range. */
function rangeText(row: ClientLimit): string {
  const usual = row.default === 0 && row.zero !== undefined ? row.zero : amount(row, row.default);
  const zero = row.zero === undefined || row.zero === usual ? '' : `; 0: ${row.zero}`;
  return `default ${usual}${zero}`;
}

function amount({ unit }: Rule, value: number): string {
  return unit === 'bytes' ? sizeText(value) : String(value);
}
