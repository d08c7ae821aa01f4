/** Text to value, by the kind of a row. Knows single values only; rules between parameters are in
 *  resolve.ts. Source: driver.md section 1 (integers and booleans). */
import { ParameterError } from './errors.ts';
import type { Row } from './parameters.ts';

const TRUE = new Set(['1', 'y', 't', 'true', 'on']);
const FALSE = new Set(['0', 'n', 'f', 'false', 'off']);
const BOOLEAN_RULE = 'must be a boolean: 0/1, y/n, t/f, on/off or true/false';
const INTEGER_RULE = 'must be an integer: decimal, 0x hexadecimal or 0 octal';
const INTEGER = /^-?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/;

/** A boolean in any case, or undefined when the text is none. */
export function parseBoolean(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (TRUE.has(word)) return true;
  return FALSE.has(word) ? false : undefined;
}

/** An integer, or undefined when the text is none. Above 2^53 it is rounded, but stays in order. */
export function parseInteger(text: string): number | undefined {
  if (!INTEGER.test(text)) return undefined;
  const negative = text.startsWith('-');
  const digits = negative ? text.slice(1) : text;
  const octal = digits.length > 1 && /^0[0-7]+$/.test(digits);
  // Number() reads 0x but takes a leading 0 for decimal.
  const magnitude = octal ? Number.parseInt(digits, 8) : Number(digits);
  return negative && magnitude !== 0 ? -magnitude : magnitude;
}

/** What a number must be, as a sentence: for messages and for the docs alike. */
export function integerRule(row: Row): string {
  const unit = row.unit === undefined ? '' : ` (${row.unit})`;
  if (row.rule !== undefined && /^[0-9]/.test(row.rule)) return `must be ${row.rule}${unit}`;
  const range = `${row.min ?? 0}..${row.max ?? 'any'}`;
  return `must be ${row.rule === undefined ? range : `${row.rule}, ${range}`}${unit}`;
}

function integer(name: string, row: Row, text: string): number {
  const value = parseInteger(text);
  if (value === undefined)
    throw new ParameterError(name, text, `${INTEGER_RULE}; ${integerRule(row)}`);
  const low = row.min !== undefined && value < row.min;
  const high = row.max !== undefined && value > row.max;
  if (low || high) throw new ParameterError(name, text, integerRule(row));
  return value;
}

/** The value of `text` for `row`; a boolean without text is true. Units are the row's.
 *  @throws ParameterError when the text is not of the row's kind or outside min..max. */
export function parseValue(
  name: string,
  row: Row,
  text: string | undefined,
): boolean | number | string {
  if (row.kind === 'boolean' || row.kind === 'count') {
    if (text === undefined) return true;
    const value = parseBoolean(text);
    if (value !== undefined) return value;
    const number = row.kind === 'count' ? parseInteger(text) : undefined;
    if (number === undefined) throw new ParameterError(name, text, BOOLEAN_RULE);
    return number !== 0;
  }
  if (text === undefined) {
    throw new ParameterError(name, undefined, `needs a value: ${name}=VALUE; ${integerRule(row)}`);
  }
  return row.kind === 'integer' ? integer(name, row, text) : text;
}
