/** Numbers with a radix of its own for each digit, the first the most significant, of any length. Products are kept
 *  in halves of halves: long numbers times short ones, one by one, would take for ever. */

/** Of the digits of one half, and how many images they make. */
interface Half {
  readonly product: bigint;
  /** Undefined: it is one digit, or none. */
  readonly parts: readonly [Half, Half] | undefined;
  readonly low: number;
  readonly high: number;
}

export class Radix {
  readonly #root: Half;

  constructor(counts: readonly bigint[]) {
    this.#root = half(counts, 0, counts.length);
  }

  /** How many numbers there are. */
  get size(): bigint {
    return this.#root.product;
  }

  /** @param number below `size`. */
  digits(number: bigint): bigint[] {
    const digits: bigint[] = new Array(this.#root.high).fill(0n);
    const split = (rest: bigint, { parts, low, high }: Half): void => {
      // All digits of a 0 are 0.
      if (rest === 0n) return;
      if (parts === undefined) {
        if (low < high) digits[low] = rest;
        return;
      }
      const [left, right] = parts;
      const upper = rest / right.product;
      split(upper, left);
      split(rest - upper * right.product, right);
    };
    split(number, this.#root);
    return digits;
  }

  /** The number that has these digits. */
  number(digits: readonly bigint[]): bigint {
    const join = ({ parts, low, high }: Half): bigint => {
      if (parts === undefined) return low < high ? (digits[low] ?? 0n) : 0n;
      const [left, right] = parts;
      const upper = join(left);
      return (upper === 0n ? 0n : upper * right.product) + join(right);
    };
    return join(this.#root);
  }

  /** How many numbers the digits behind the at-th make. */
  weight(at: number): bigint {
    const behind = ({ parts, low, product }: Half): bigint => {
      if (low > at) return product;
      return parts === undefined ? 1n : parts.map(behind).reduce((a, b) => a * b);
    };
    return behind(this.#root);
  }
}

function half(counts: readonly bigint[], low: number, high: number): Half {
  if (high - low <= 1) {
    const product = low < high ? (counts[low] ?? 1n) : 1n;
    return { product, parts: undefined, low, high };
  }
  const middle = (low + high) >>> 1;
  const [left, right] = [half(counts, low, middle), half(counts, middle, high)];
  return { product: left.product * right.product, parts: [left, right], low, high };
}
