/** Numbers with a radix of its own for each digit, the first the most significant, of any length. */

/** The product of those from `low` up to `high`, which is none of them; in halves, since long numbers times short
 *  ones cost as much as long ones times long ones. */
export function productOf(counts: readonly bigint[], low = 0, high = counts.length): bigint {
  if (high - low <= 1) return low < high ? (counts[low] ?? 1n) : 1n;
  const middle = (low + high) >>> 1;
  return productOf(counts, low, middle) * productOf(counts, middle, high);
}

/** @param number below the product of `counts`. */
export function digitsOf(number: bigint, counts: readonly bigint[]): bigint[] {
  const digits: bigint[] = [];
  const split = (part: bigint, low: number, high: number): void => {
    if (high - low === 1) digits.push(part);
    if (high - low <= 1) return;
    const middle = (low + high) >>> 1;
    const right = productOf(counts, middle, high);
    split(part / right, low, middle);
    split(part % right, middle, high);
  };
  split(number, 0, counts.length);
  return digits;
}
