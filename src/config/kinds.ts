/** Text to value, by the kind of a row, for flags and words. Knows single values only; rules between
 *  parameters are in judge.ts, texts of attributes in attribute-text.ts.
 *  Source: driver.md section 1 (integers and booleans). */
import { ParameterError } from './errors.ts';
import { parseFault } from './fault-settings.ts';
import { INTEGER_RULE, parseInteger } from './numbers.ts';
import type { Row, Value } from './rows.ts';
import { parseSize, SIZE_RULE } from './sizes.ts';

const TRUE = new Set(['1', 'y', 't', 'true', 'on']);
const FALSE = new Set(['0', 'n', 'f', 'false', 'off']);
export const BOOLEAN_RULE = 'must be a boolean: 0/1, y/n, t/f, on/off or true/false';

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

export function wordRule({ words = [] }: Row): string {
  return `must be ${words.join(' or ')}`;
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

export const PATH_RULE = 'must be an absolute path, or empty for none';

/** @returns undefined: it is none that a line of text can name. */
export function parsePath(text: string): string | undefined {
  return text === '' || /^\/[^\p{Cc}]*$/u.test(text) ? text : undefined;
}

/** What a text must be for `row`. */
function ruleOf(row: Row): string {
  if (row.kind === 'fault') return `must be ${row.rule}`;
  if (row.kind === 'word') return wordRule(row);
  return row.kind === 'path' ? PATH_RULE : integerRule(row);
}

/** The value of `text` for `row`; a boolean without text is true. Units are the row's.
 *  @throws ParameterError when the text is not of the row's kind or outside min..max. */
export function parseValue(name: string, row: Row, text: string | undefined): Value {
  if (row.kind === 'boolean' || row.kind === 'count') {
    if (text === undefined) return true;
    const value = parseBoolean(text);
    if (value !== undefined) return value;
    const number = row.kind === 'count' ? parseInteger(text) : undefined;
    if (number === undefined) throw new ParameterError(name, text, BOOLEAN_RULE);
    return number !== 0;
  }
  const rule = ruleOf(row);
  if (text === undefined) {
    throw new ParameterError(name, undefined, `needs a value: ${name}=VALUE; ${rule}`);
  }
  if (row.kind === 'integer') return integer(name, row, text);
  if (row.kind === 'word' && row.words?.includes(text) !== true) {
    throw new ParameterError(name, text, wordRule(row));
  }
  const value =
    row.kind === 'fault' ? parseFault(text) : row.kind === 'path' ? parsePath(text) : text;
  if (value === undefined) throw new ParameterError(name, text, rule);
  return value;
}
