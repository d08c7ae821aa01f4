/** What cells hold: equal bytes have one number, 0 is zeros. Keeps no copies, only where the bytes are. */

import { bug } from '../units.ts';

/** Of zeros. */
export const ZEROS = 0;

export class Contents {
  /** Of a cell; a multiple of 512. */
  readonly bytes: number;
  readonly #words: Int32Array[] = [];
  /** The last number with this hash, and before each number the one before it with the same hash. */
  readonly #last = new Map<number, number>();
  readonly #before: number[] = [];

  constructor(bytes: number) {
    this.bytes = bytes;
    if (this.number(new Uint8Array(bytes)) !== ZEROS) bug('zeros are not the first content');
  }

  get count(): number {
    return this.#words.length;
  }

  /** @param data a cell's bytes, which must not change; they begin at a multiple of 4 in their buffer. */
  number(data: Uint8Array): number {
    const words = new Int32Array(data.buffer, data.byteOffset, this.bytes / 4);
    const hash = hashOf(words);
    const last = this.#last.get(hash) ?? -1;
    for (let other = last; other >= 0; other = this.#before[other] ?? -1) {
      if (isEqual(this.#words[other] ?? words, words)) return other;
    }
    this.#last.set(hash, this.#words.length);
    this.#before.push(last);
    return this.#words.push(words) - 1;
  }

  bytesOf(number: number): Uint8Array {
    const words = this.#words[number] ?? bug(`content ${number}`);
    return new Uint8Array(words.buffer, words.byteOffset, this.bytes);
  }
}

function hashOf(words: Int32Array): number {
  let hash = 0;
  for (let at = 0; at < words.length; at++) {
    hash = Math.imul(hash ^ (words[at] ?? 0), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}

function isEqual(one: Int32Array, other: Int32Array): boolean {
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}
