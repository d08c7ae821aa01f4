/** The images of one instant under a model whose images are choices for components: vectors of versions, by rank and
 *  back. */

import type { Component, Legality } from './legality.ts';
import { Radix } from './radix.ts';
import { atOnce, mapped, PER_STEP, type Steps } from './steps.ts';

export class InstantImages {
  readonly components: readonly Component[];
  readonly #radix: Radix;
  /** Of cells without a choice, their version; of others any. */
  readonly #fixed: Int32Array;
  readonly #isOpen: Uint8Array;

  private constructor(components: readonly Component[], radix: Radix, fixed: Int32Array) {
    this.components = components;
    this.#radix = radix;
    this.#fixed = fixed;
    this.#isOpen = new Uint8Array(fixed.length);
    for (const component of components) {
      for (const cell of component.cells) this.#isOpen[cell] = 1;
    }
  }

  static of(legality: Legality, instant: number): InstantImages {
    return atOnce(InstantImages.inSteps(legality, instant));
  }

  static *inSteps(legality: Legality, instant: number): Steps<InstantImages> {
    const cells = Array.from(legality.timeline.cells.place.keys());
    const components = yield* legality.componentsInSteps(cells, instant);
    const radix = yield* Radix.inSteps(components.map(({ outcomes }) => outcomes.count));
    const fixed = yield* mapped(cells, (cell) => legality.versions(cell, instant)[0] ?? 0);
    return new InstantImages(components, radix, Int32Array.from(fixed));
  }

  get legal(): bigint {
    return this.#radix.size;
  }

  /** The version of each cell; undefined: there are not so many images. */
  vector(rank: bigint): Int32Array | undefined {
    return atOnce(this.vectorInSteps(rank));
  }

  *vectorInSteps(rank: bigint): Steps<Int32Array | undefined> {
    if (rank >= this.legal) return undefined;
    const vector = this.#fixed.slice();
    const digits = yield* this.#radix.digitsInSteps(rank);
    for (const [at, digit] of digits.entries()) {
      if (at % PER_STEP === PER_STEP - 1) yield;
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
