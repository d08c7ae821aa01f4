/** Random numbers that follow from a text: the same seed makes the same session, on every machine. */

export class Random {
  #state: number;

  constructor(seed: string) {
    let hash = 2166136261;
    for (let at = 0; at < seed.length; at++) {
      hash = Math.imul(hash ^ seed.charCodeAt(at), 16777619);
    }
    this.#state = hash >>> 0;
    for (let round = 0; round < 8; round++) this.uint32();
  }

  uint32(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let mixed = this.#state ^ (this.#state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }

  /** A whole number of [0, below). */
  below(below: number): number {
    return Math.floor((this.uint32() / 2 ** 32) * below);
  }

  /** A whole number of [low, high]. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.uint32() / 2 ** 32 < probability;
  }

  pick<T>(from: readonly T[]): T {
    const one = from[this.below(from.length)];
    if (one === undefined) throw new Error('nothing to pick from');
    return one;
  }

  /** Small mostly, now and then as large as `most`. */
  skewed(most: number): number {
    return Math.min(most, Math.floor(2 ** (this.below(1024) / (1024 / Math.log2(most + 1)))));
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    let at = 0;
    for (; at + 4 <= length; at += 4) bytes.writeUInt32LE(this.uint32(), at);
    for (; at < length; at++) bytes[at] = this.below(256);
    return bytes;
  }
}
