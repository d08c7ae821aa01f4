/** The models whole, torn and garbage: an image is a choice for each component. */

import { LastImages } from './last-instants.ts';
import { LaterInstants } from './later.ts';
import { Legality } from './legality.ts';
import type { Pieces } from './pieces.ts';
import { digitsOf, productOf } from './radix.ts';
import type { ListedImage, Space } from './space.ts';
import { Sweep } from './sweep.ts';
import type { Timeline } from './timeline.ts';

export class ProductSpace implements Space {
  readonly #timeline: Timeline;
  readonly #pieces: Pieces | undefined;
  readonly #hasGarbage: boolean;
  #counted: { readonly legal: readonly bigint[]; readonly distinct: bigint } | undefined;

  constructor(timeline: Timeline, pieces: Pieces | undefined, hasGarbage: boolean) {
    this.#timeline = timeline;
    this.#pieces = pieces;
    this.#hasGarbage = hasGarbage;
  }

  legal(): readonly bigint[] {
    return this.#counts().legal;
  }

  distinct(): bigint {
    return this.#counts().distinct;
  }

  *images(): Generator<ListedImage, void> {
    for (const { instant, images } of this.#sweep()) {
      if (images.last === 0n) continue;
      for (const rank of images.listing().ranks()) yield { instant, rank };
    }
  }

  contents({ instant, rank }: ListedImage): Int32Array | undefined {
    const timeline = this.#timeline;
    const cells = Array.from(timeline.cells.place, (_, cell) => cell);
    const legality = this.#legality();
    const components = legality.components(cells, instant);
    const counts = components.map(({ outcomes }) => outcomes.count);
    if (instant >= timeline.count || rank >= productOf(counts)) return undefined;
    const contents = Int32Array.from(cells, (cell) =>
      timeline.contentOf(cell, legality.versions(cell, instant)[0] ?? 0),
    );
    for (const [at, digit] of digitsOf(rank, counts).entries()) {
      const versions = components[at]?.outcomes.unrank(digit) ?? [];
      for (const [index, cell] of (components[at]?.cells ?? []).entries()) {
        contents[cell] = timeline.contentOf(cell, versions[index] ?? 0);
      }
    }
    return contents;
  }

  #counts() {
    if (this.#counted === undefined) {
      const legal: bigint[] = [];
      let distinct = 0n;
      for (const { images } of this.#sweep()) {
        legal.push(images.legal);
        distinct += images.last;
      }
      this.#counted = { legal, distinct };
    }
    return this.#counted;
  }

  *#sweep(): Generator<{ instant: number; images: LastImages }, void> {
    const sweep = new Sweep(this.#legality());
    const later = new LaterInstants(sweep.legality, this.#hasGarbage);
    for (;;) {
      yield { instant: sweep.instant, images: new LastImages(sweep, later) };
      if (sweep.instant === this.#timeline.count - 1) return;
      sweep.next();
      for (const cell of sweep.changes(sweep.instant)) later.update(cell, sweep.instant);
    }
  }

  #legality(): Legality {
    return new Legality(this.#timeline, this.#pieces, this.#hasGarbage);
  }
}
