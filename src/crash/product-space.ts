/** The models whole, torn and garbage: an image is a choice for each component. */

import { InstantImages } from './instant-images.ts';
import { InstantWalk } from './instant-walk.ts';
import { LastImages } from './last-instants.ts';
import { LaterInstants } from './later.ts';
import { Legality } from './legality.ts';
import type { Pieces } from './pieces.ts';
import type { ListedImage, Space } from './space.ts';
import type { Timeline } from './timeline.ts';

/** Images are asked for by instants that are near each other. */
const INSTANTS_KEPT = 16;

export interface LastOnes {
  readonly count: bigint;
  readonly later: readonly number[];
}

interface Counted {
  readonly legal: readonly bigint[];
  readonly distinct: bigint;
  readonly last: readonly LastOnes[];
}

export class ProductSpace implements Space {
  readonly #timeline: Timeline;
  readonly #pieces: Pieces | undefined;
  readonly #hasGarbage: boolean;
  /** Those that were asked for last. */
  readonly #instants = new Map<number, InstantImages>();
  #counted: Counted | undefined;

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
    for (const { instant, images } of this.#walk()) {
      if (images.last === 0n) continue;
      for (const rank of images.listing().ranks()) yield { instant, rank };
    }
  }

  contents({ instant, rank }: ListedImage): Int32Array | undefined {
    const timeline = this.#timeline;
    if (instant >= timeline.count) return undefined;
    const vector = this.at(instant).vector(rank);
    return vector?.map((version, cell) => timeline.contentOf(cell, version));
  }

  /** All images of an instant. */
  at(instant: number): InstantImages {
    const known = this.#instants.get(instant);
    if (known !== undefined) return known;
    const images = InstantImages.of(this.#legality(), instant);
    const [oldest] = this.#instants.keys();
    if (this.#instants.size === INSTANTS_KEPT && oldest !== undefined) {
      this.#instants.delete(oldest);
    }
    this.#instants.set(instant, images);
    return images;
  }

  /** Of each instant, how many images are legal at no later one, and the later ones that must be asked to know it. */
  lastOnes(): readonly LastOnes[] {
    return this.#counts().last;
  }

  #counts(): Counted {
    if (this.#counted === undefined) {
      const legal: bigint[] = [];
      const last: LastOnes[] = [];
      let distinct = 0n;
      for (const { images } of this.#walk()) {
        legal.push(images.legal);
        distinct += images.last;
        last.push({ count: images.last, later: images.later });
      }
      this.#counted = { legal, distinct, last };
    }
    return this.#counted;
  }

  *#walk(): Generator<{ instant: number; images: LastImages }, void> {
    const walk = new InstantWalk(this.#legality());
    const later = new LaterInstants(walk.legality, this.#hasGarbage);
    for (;;) {
      yield { instant: walk.instant, images: new LastImages(walk, later) };
      if (walk.instant === this.#timeline.count - 1) return;
      walk.next();
      for (const cell of walk.changes(walk.instant)) later.update(cell, walk.instant);
    }
  }

  #legality(): Legality {
    return new Legality(this.#timeline, this.#pieces, this.#hasGarbage);
  }
}
