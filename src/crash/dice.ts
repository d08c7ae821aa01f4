/** Random numbers that follow from a seed alone, for samples. */

const WORD = 32;

/** mulberry32. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed ^ Math.floor(seed / 2 ** WORD)) | 0;
  }

  /** From 0 up to `limit`, which is none of them, all alike. */
  below(limit: bigint): bigint {
    const bits = limit.toString(2).length;
    const words = Math.ceil(bits / WORD);
    const tooMany = BigInt(words * WORD - bits);
    for (;;) {
      const digits = Array.from({ length: words }, () => this.#word());
      const number = BigInt(`0x${digits.join('')}`) >> tooMany;
      if (number < limit) return number;
    }
  }

  /** In hexadecimal. */
  #word(): string {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let word = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return ((word ^ (word >>> 14)) >>> 0).toString(16).padStart(8, '0');
  }
}
