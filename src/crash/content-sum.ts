/** Contents of whole devices as two numbers: sums over the cells, so that a change costs what it changes. Equal images
 *  have equal sums; different ones have the same once in 2^64. */

export class ContentSum {
  #one = 0;
  #other = 0;

  /** @param times 1 to add what a cell holds, -1 to take it away. */
  add(cell: number, content: number, times: 1 | -1): void {
    const mixed = Math.imul(Math.imul(cell + 1, 0x9e3779b1) ^ content, 0x85ebca6b);
    const [one, other] = [mixed ^ (mixed >>> 15), Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)];
    this.#one = (this.#one + times * one) | 0;
    this.#other = (this.#other + times * (other ^ (other >>> 16))) | 0;
  }

  get text(): string {
    return `${this.#one}.${this.#other}`;
  }
}

/** @param contents of each cell. */
export function sumOf(contents: Int32Array): ContentSum {
  const sum = new ContentSum();
  for (let cell = 0; cell < contents.length; cell++) sum.add(cell, contents[cell] ?? 0, 1);
  return sum;
}
