/** Which images are legal only since a flush lied, FUA was ignored, or what was answered was not done: beyond the contract.
 *  Source: crash.md section 3. */

import { type CrashSite, crashSite, type Model } from './models.ts';
import { ProductSpace } from './product-space.ts';
import { vectorOf } from './shrinking.ts';

export class Beyond {
  /** What would be legal if every answer were true; undefined: it is. */
  readonly #honest: CrashSite | undefined;
  readonly #instants: readonly number[];

  constructor({ timeline }: CrashSite, model: Model) {
    const { honest, instants } = timeline.log;
    this.#instants = instants;
    // What the narrow models have, torn has, too.
    const wide = model === 'lost' || model === 'prefix' ? 'torn' : model;
    this.#honest = honest && crashSite(honest, wide);
  }

  /** @param contents of each cell. */
  has(instant: number, contents: Int32Array): boolean {
    if (this.#honest === undefined) return false;
    const { timeline, space } = this.#honest;
    if (!(space instanceof ProductSpace)) return false;
    const at = timeline.log.instants.indexOf(this.#instants[instant] ?? -1);
    return space.at(at).rank(vectorOf(timeline, contents)) === undefined;
  }
}
