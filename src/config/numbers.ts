/** Whole numbers as text, for flags and words. Those of attributes are in attribute-text.ts.
 *  Source: driver.md section 1 (integers). */

export const INTEGER_RULE = 'must be an integer: decimal, 0x hexadecimal or 0 octal';
const INTEGER = /^-?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/;

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

/** The same, with all its digits. */
export function parseExact(text: string): bigint | undefined {
  if (!INTEGER.test(text)) return undefined;
  const negative = text.startsWith('-');
  const digits = negative ? text.slice(1) : text;
  // BigInt() takes a leading 0 for decimal, too.
  const magnitude = BigInt(digits.replace(/^0(?=[0-7]+$)/, '0o'));
  return negative ? -magnitude : magnitude;
}
