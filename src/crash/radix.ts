/** Numbers with a radix of its own for each digit, the first the most significant, of any length. Products are kept
 *  in halves of halves: long numbers times short ones, one by one, would take for ever. */

import { atOnce, PER_STEP, type Steps } from './steps.ts';

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

  private constructor(root: Half) {
    this.#root = root;
  }

  static of(counts: readonly bigint[]): Radix {
    return atOnce(Radix.inSteps(counts));
  }

  static *inSteps(counts: readonly bigint[]): Steps<Radix> {
    return new Radix(yield* half(counts, 0, counts.length));
  }

  /** How many numbers there are. */
  get size(): bigint {
    return this.#root.product;
  }

  /** @param number below `size`. */
  *digitsInSteps(number: bigint): Steps<bigint[]> {
    const digits: bigint[] = new Array(this.#root.high).fill(0n);
    const left: { rest: bigint; part: Half }[] = [{ rest: number, part: this.#root }];
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const { rest, part } = next;
      if (part.high - part.low > PER_STEP) {
        for (const [upper, half] of divided(rest, part)) left.push({ rest: upper, part: half });
        yield;
      } else {
        split(rest, part, digits);
      }
    }
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

/** Of a half and its halves, by what `rest` means in them. */
function divided(rest: bigint, { parts }: Half): [bigint, Half][] {
  // All digits of a 0 are 0.
  if (parts === undefined || rest === 0n) return [];
  const [left, right] = parts;
  const upper = rest / right.product;
  return [
    [upper, left],
    [rest - upper * right.product, right],
  ];
}

function split(rest: bigint, part: Half, digits: bigint[]): void {
  if (rest === 0n) return;
  if (part.parts === undefined && part.low < part.high) digits[part.low] = rest;
  for (const [upper, half] of divided(rest, part)) split(upper, half, digits);
}

function* half(counts: readonly bigint[], low: number, high: number): Steps<Half> {
  if (high - low <= 1) {
    const product = low < high ? (counts[low] ?? 1n) : 1n;
    return { product, parts: undefined, low, high };
  }
  const middle = (low + high) >>> 1;
  const left = yield* half(counts, low, middle);
  const right = yield* half(counts, middle, high);
  if (high - low > PER_STEP) yield;
  return { product: left.product * right.product, parts: [left, right], low, high };
}
