/** The images of one instant under a model whose images are choices for components: vectors of versions, by rank and
 *  back. */

import type { Component, Legality } from './legality.ts';
import { Radix } from './radix.ts';

export class InstantImages {
  readonly components: readonly Component[];
  readonly #radix: Radix;
  /** Of cells without a choice, their version; of others any. */
  readonly #fixed: Int32Array;
  readonly #isOpen: Uint8Array;

  constructor(legality: Legality, instant: number) {
    const cells = Array.from(legality.timeline.cells.place, (_, cell) => cell);
    this.components = legality.components(cells, instant);
    this.#radix = new Radix(this.components.map(({ outcomes }) => outcomes.count));
    this.#fixed = Int32Array.from(cells, (cell) => legality.versions(cell, instant)[0] ?? 0);
    this.#isOpen = new Uint8Array(cells.length);
    for (const component of this.components) {
      for (const cell of component.cells) this.#isOpen[cell] = 1;
    }
  }

  get legal(): bigint {
    return this.#radix.size;
  }

  /** The version of each cell; undefined: there are not so many images. */
  vector(rank: bigint): Int32Array | undefined {
    if (rank >= this.legal) return undefined;
    const vector = this.#fixed.slice();
    for (const [at, digit] of this.#radix.digits(rank).entries()) {
      const component = this.components[at];
      const versions = component?.outcomes.unrank(digit) ?? [];
      for (const [index, cell] of (component?.cells ?? []).entries()) {
        vector[cell] = versions[index] ?? 0;
      }
    }
    return vector;
  }

  /** @returns undefined when the vector is not legal. */
  rank(vector: Int32Array): bigint | undefined {
    for (let cell = 0; cell < vector.length; cell++) {
      if (this.#isOpen[cell] === 0 && vector[cell] !== this.#fixed[cell]) return undefined;
    }
    const digits: bigint[] = [];
    for (const { cells, outcomes } of this.components) {
      const digit = outcomes.rank(cells.map((cell) => vector[cell] ?? 0));
      if (digit === undefined) return undefined;
      digits.push(digit);
    }
    return this.#radix.number(digits);
  }
}
