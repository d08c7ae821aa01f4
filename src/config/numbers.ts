/** Whole numbers as text: the one grammar, of flags, words, attributes, bad blocks and faults.
 *  Source: driver.md section 1 (integers). */

export const INTEGER_RULE = 'must be an integer: decimal, 0x hexadecimal or 0 octal';
/** Nothing may stand before or behind it. */
const INTEGER = /^(-?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]*)|([1-9][0-9]*))$/;
/** More digits than any of the three notations needs for 64 bits: longer texts take long to convert. */
const DIGITS_MAX = 22;

interface Literal {
  readonly negative: boolean;
  /** As JavaScript writes it. */
  readonly prefix: '' | '0x' | '0o';
  /** Without leading zeros. */
  readonly digits: string;
}

function literalOf(text: string): Literal | undefined {
  const match = INTEGER.exec(text);
  if (match === null) return undefined;
  const [, sign, hexadecimal, octal, decimal] = match;
  const digits = (hexadecimal ?? octal ?? decimal ?? '').replace(/^0+/, '');
  const prefix = hexadecimal !== undefined ? '0x' : octal !== undefined ? '0o' : '';
  const zero = digits === '';
  return { negative: sign === '-', prefix: zero ? '' : prefix, digits: zero ? '0' : digits };
}

/** An integer, or undefined when the text is none. Above 2^53 it is rounded, but stays in order. */
export function parseInteger(text: string): number | undefined {
  const literal = literalOf(text);
  if (literal === undefined) return undefined;
  const magnitude = Number(literal.prefix + literal.digits);
  return literal.negative && magnitude !== 0 ? -magnitude : magnitude;
}

/** The same, with all its digits. */
export function parseExact(text: string): bigint | undefined {
  const literal = literalOf(text);
  return literal === undefined ? undefined : exactly(literal);
}

/** An integer of min..max, exact; one that cannot be negative takes no sign.
 *  @returns EINVAL: the text is not a number. ERANGE: it is outside min..max. */
export function parseWithin(text: string, min: bigint, max: bigint): bigint | 'EINVAL' | 'ERANGE' {
  const literal = literalOf(text);
  if (literal === undefined || (literal.negative && min >= 0n)) return 'EINVAL';
  if (literal.digits.length > DIGITS_MAX) return 'ERANGE';
  const value = exactly(literal);
  return value < min || value > max ? 'ERANGE' : value;
}

function exactly({ negative, prefix, digits }: Literal): bigint {
  const magnitude = BigInt(prefix + digits);
  return negative ? -magnitude : magnitude;
}
