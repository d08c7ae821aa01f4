/** Text to value, by the kind of a row, for flags and words. Knows single values only; rules between
 *  parameters are in judge.ts, texts of attributes in attribute-text.ts.
 *  Source: driver.md section 1 (integers and booleans). */
import { ParameterError } from './errors.ts';
import { INTEGER_RULE, parseInteger } from './numbers.ts';
import type { Row } from './rows.ts';
import { parseSize, SIZE_RULE } from './sizes.ts';

const TRUE = new Set(['1', 'y', 't', 'true', 'on']);
const FALSE = new Set(['0', 'n', 'f', 'false', 'off']);
export const BOOLEAN_RULE = 'must be a boolean: 0/1, y/n, t/f, on/off or true/false';
const INT_MAX = 2147483647;

/** A boolean in any case, or undefined when the text is none. */
export function parseBoolean(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (TRUE.has(word)) return true;
  return FALSE.has(word) ? false : undefined;
}

/** What a number must be, as a sentence: for messages and for the docs alike. */
export function integerRule(row: Row): string {
  const unit = row.unit === undefined ? '' : ` (${row.unit})`;
  const whole = row.rule !== undefined && (/^-?[0-9]/.test(row.rule) || row.min === undefined);
  if (whole) return `must be ${row.rule}${unit}`;
  const range = `${row.min ?? 0}..${row.max ?? 'any'}`;
  return `must be ${row.rule === undefined ? range : `${row.rule}, ${range}`}${unit}`;
}

function integer(name: string, row: Row, text: string): number | bigint {
  const value = row.exact === true ? parseSize(text) : parseInteger(text);
  if (value === undefined) {
    const rule = row.exact === true ? SIZE_RULE : INTEGER_RULE;
    throw new ParameterError(name, text, `${rule}; ${integerRule(row)}`);
  }
  const low = row.min !== undefined && value < row.min;
  const high = row.max !== undefined && value > row.max;
  if (low || high) throw new ParameterError(name, text, integerRule(row));
  return value;
}

/** Four numbers with commas between them, in decimal. interval and probability are unsigned;
 *  space and times are signed, and times -1 is no limit. Undefined when the text is none. */
function parseFault(text: string): string | undefined {
  const numbers = text.split(',').map(parseInteger);
  const [interval = -1, probability = -1, space, times] = numbers;
  if (numbers.length !== 4 || space === undefined || times === undefined) return undefined;
  const unsigned = [interval, probability].every((one) => one >= 0 && Number.isSafeInteger(one));
  const signed = [space, times].every((one) => one >= -INT_MAX - 1 && one <= INT_MAX);
  return unsigned && signed ? [interval, probability, space, times].join(',') : undefined;
}

/** The value of `text` for `row`; a boolean without text is true. Units are the row's.
 *  @throws ParameterError when the text is not of the row's kind or outside min..max. */
export function parseValue(
  name: string,
  row: Row,
  text: string | undefined,
): boolean | number | bigint | string {
  if (row.kind === 'boolean' || row.kind === 'count') {
    if (text === undefined) return true;
    const value = parseBoolean(text);
    if (value !== undefined) return value;
    const number = row.kind === 'count' ? parseInteger(text) : undefined;
    if (number === undefined) throw new ParameterError(name, text, BOOLEAN_RULE);
    return number !== 0;
  }
  const rule = row.kind === 'fault' ? `must be ${row.rule}` : integerRule(row);
  if (text === undefined) {
    throw new ParameterError(name, undefined, `needs a value: ${name}=VALUE; ${rule}`);
  }
  if (row.kind === 'integer') return integer(name, row, text);
  const value = row.kind === 'fault' ? parseFault(text) : text;
  if (value === undefined) throw new ParameterError(name, text, rule);
  return value;
}
