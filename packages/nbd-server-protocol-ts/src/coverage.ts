/** Which bytes of a read have arrived: each must arrive exactly once, in any order. */

/** Ranges that do not touch each other. A server has no reason to make more of one read. */
const RANGES_MAX = 65_536;

export class Coverage {
  /** Begin and end of each range, in order; ranges that touch are one. */
  readonly #begins: number[] = [];
  readonly #ends: number[] = [];
  #covered = 0;

  /** Bytes that have come. */
  get covered(): number {
    return this.#covered;
  }

  /** @returns false when some of it arrived before, or in too many ranges. */
  add(begin: number, end: number): boolean {
    const next = this.#after(begin);
    const from = this.#begins[next] ?? Number.POSITIVE_INFINITY;
    const until = this.#ends[next - 1] ?? Number.NEGATIVE_INFINITY;
    if (until > begin || from < end) return false;
    this.#covered += end - begin;
    if (until === begin && from === end) {
      this.#ends[next - 1] = this.#ends[next] ?? end;
      this.#begins.splice(next, 1);
      this.#ends.splice(next, 1);
    } else if (until === begin) {
      this.#ends[next - 1] = end;
    } else if (from === end) {
      this.#begins[next] = begin;
    } else {
      this.#begins.splice(next, 0, begin);
      this.#ends.splice(next, 0, end);
    }
    return this.#begins.length <= RANGES_MAX;
  }

  /** The first range that begins behind `begin`; most often there is none. */
  #after(begin: number): number {
    let low = 0;
    let high = this.#begins.length;
    if ((this.#begins[high - 1] ?? 0) <= begin) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#begins[middle] ?? 0) <= begin) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
