/** Random numbers that can be replayed: each stream comes from a text, so that no stream disturbs another.
 *  The generator is sfc32 ("small fast counter", C. Doty-Humphrey, PractRand). Not for secrets. */

const WARM_UP = 15;

/** One stream. The same key gives the same numbers. */
export class RandomStream {
  readonly #state: Uint32Array;

  /** @param key what distinguishes this stream from others. */
  constructor(key: string) {
    this.#state = Uint32Array.of(hash(key, 1), hash(key, 2), hash(key, 3), 1);
    for (let i = 0; i < WARM_UP; i++) this.next();
  }

  /** 32 random bits. */
  next(): number {
    const s = this.#state;
    const a = s[0] ?? 0;
    const b = s[1] ?? 0;
    const c = s[2] ?? 0;
    const counter = s[3] ?? 0;
    const result = (a + b + counter) >>> 0;
    s[3] = counter + 1;
    s[0] = b ^ (b >>> 9);
    s[1] = c + (c << 3);
    s[2] = ((c << 21) | (c >>> 11)) + result;
    return result;
  }

  /** A whole number in 0 .. end - 1. For small ends only: off by less than end / 2^32. */
  below(end: number): number {
    return Math.floor((this.next() / 2 ** 32) * end);
  }
}

/** FNV-1a over the text and `salt`, then murmur3's finalizer: similar texts give unrelated numbers. */
function hash(text: string, salt: number): number {
  let value = 0x811c9dc5 ^ salt;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
