/** Values of the flags of `tnull crash`. Each throws UsageError in one line. */

import { shown } from '../../config/errors.ts';
import { parseInteger } from '../../config/numbers.ts';
import { UsageError } from '../usage-error.ts';

export function numberOf(flag: string, text: unknown, missing: number, min = 0): number {
  const value = typeof text === 'string' ? parseInteger(text) : missing;
  if (value !== undefined && value >= min && Number.isSafeInteger(value)) return value;
  const most = min === 0 ? '' : ` from ${min} on`;
  throw new UsageError(`${flag}: '${shown(String(text))}' is not a whole number${most}`);
}

export function choiceOf<T extends string>(
  flag: string,
  text: unknown,
  all: readonly T[],
  missing: T,
): T {
  const found = all.find((one) => one === (text ?? missing));
  if (found !== undefined) return found;
  throw new UsageError(`${flag}: '${shown(String(text))}' is none of ${all.join(', ')}`);
}

/** Undefined: it is not there. */
export function textOf(text: unknown): string | undefined {
  return typeof text === 'string' ? text : undefined;
}
