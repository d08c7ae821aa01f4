/** The order in which images are tried, so that a limit reaches what fails first in practice: of all instants
 *  what is durable alone, and the prefixes; then all but one component, and one alone; then pairs; then all the rest
 *  if it fits the limit, else uniform samples. Each content once, at its last instant. It follows from the
 *  journal, the model, the limit and the seed. Source: docs/crash.md, The order of exploring. */

import { ChainSpace, lostSpace, prefixSpace } from './chain-space.ts';
import { sumOf } from './content-sum.ts';
import { Dice } from './dice.ts';
import type { ImageId } from './image-id.ts';
import type { Component } from './legality.ts';
import type { CrashSite, Model } from './models.ts';
import { ProductSpace } from './product-space.ts';
import type { ListedImage } from './space.ts';
import type { Timeline } from './timeline.ts';

/** After so many samples in a row that were known already there are hardly others. */
const IDLE_MAX = 1000;
/** Candidates whose content is known already. */
const SKIPPED_PER_PIECE = 64;

export interface ExploreOptions {
  readonly model: Model;
  /** Of images in all. */
  readonly limit: number;
  readonly seed: number;
  /** Only images of this instant and later ones. @default 0 */
  readonly from?: number;
}

export function* exploring(site: CrashSite, options: ExploreOptions): Generator<ImageId, void> {
  for (const id of exploringInPieces(site, options)) if (id !== undefined) yield id;
}

/** The same; undefined: it goes on looking for one, which may take long. */
export function* exploringInPieces(
  site: CrashSite,
  options: ExploreOptions,
): Generator<ImageId | undefined, void> {
  const { limit, from = 0 } = options;
  const seen = new Set<string>();
  let left = limit;
  let skipped = 0;
  for (const { sum, ...id } of candidates(site, options, () => left)) {
    if (left === 0) return;
    if (id.instant < from || seen.has(sum)) {
      if (++skipped % SKIPPED_PER_PIECE === 0) yield undefined;
      continue;
    }
    seen.add(sum);
    left--;
    yield id;
  }
}

/** An image before it is asked whether its content is new. */
interface Candidate extends ImageId {
  /** The text of a `ContentSum`. */
  readonly sum: string;
}

function* candidates(
  { timeline, space }: CrashSite,
  { model, seed, from = 0 }: ExploreOptions,
  left: () => number,
): Generator<Candidate, void> {
  if (space instanceof ChainSpace) yield* chain(model, space);
  if (!(space instanceof ProductSpace)) return;
  yield* chain('lost', lostSpace(timeline));
  yield* chain('prefix', prefixSpace(timeline));
  const neighbours = new Neighbours(timeline, space, model, from);
  yield* neighbours.byCount(1);
  yield* neighbours.byCount(2);
  if (countFrom(space, from) <= BigInt(left())) yield* rest(model, space);
  else yield* neighbours.samples(new Dice(seed));
}

function* chain(model: Model, space: ChainSpace): Generator<Candidate, void> {
  for (const image of space.summed()) yield { model, ...image };
}

function* rest(model: Model, space: ProductSpace): Generator<Candidate, void> {
  for (const image of space.images()) {
    const contents = space.contents(image);
    if (contents !== undefined) yield { model, ...image, sum: sumOf(contents).text };
  }
}

/** How many distinct images are legal last at instant `from` or later. */
export function countFrom(space: ProductSpace, from: number): bigint {
  if (from === 0) return space.distinct();
  return space
    .lastOnes()
    .slice(from)
    .reduce((sum, { count }) => sum + count, 0n);
}

class Neighbours {
  readonly #timeline: Timeline;
  readonly #space: ProductSpace;
  readonly #model: Model;
  /** The first instant. */
  readonly #from: number;

  constructor(timeline: Timeline, space: ProductSpace, model: Model, from: number) {
    this.#timeline = timeline;
    this.#space = space;
    this.#model = model;
    this.#from = from;
  }

  /** All that has arrived but `count` components, and what is durable with so many. */
  *byCount(count: 1 | 2): Generator<Candidate, void> {
    for (let instant = this.#from; instant < this.#timeline.count; instant++) {
      const { components } = this.#space.at(instant);
      const [kept, lost] = [this.#kept(instant), this.#lost(instant)];
      for (const some of choices(components, count)) {
        yield* this.#candidate(instant, mixed(kept, lost, some));
        yield* this.#candidate(instant, mixed(lost, kept, some));
      }
    }
  }

  /** Of all distinct images, each as likely as any other. */
  *samples(dice: Dice): Generator<Candidate, void> {
    const last = this.#space.lastOnes();
    const all = countFrom(this.#space, this.#from);
    const legal = this.#space.legal();
    const seen = new Set<string>();
    for (let idle = 0; idle < IDLE_MAX; idle++) {
      let at = dice.below(all);
      let instant = this.#from;
      for (; at >= (last[instant]?.count ?? at + 1n); instant++) at -= last[instant]?.count ?? 0n;
      // Of the instant's images, those that are not legal later count for it.
      const rank = dice.below(legal[instant] ?? 1n);
      const vector = this.#space.at(instant).vector(rank);
      if (vector === undefined || this.#later(instant, vector) !== undefined) continue;
      const key = `${instant}.${rank}`;
      if (!seen.has(key)) idle = 0;
      seen.add(key);
      yield this.#image({ instant, rank }, vector);
    }
  }

  *#candidate(instant: number, vector: Int32Array): Generator<Candidate, void> {
    let [found, rank] = [instant, this.#space.at(instant).rank(vector)];
    if (rank === undefined) return;
    for (;;) {
      const later = this.#later(found, vector);
      if (later === undefined) break;
      [found, rank] = [later.instant, later.rank];
    }
    yield this.#image({ instant: found, rank }, vector);
  }

  /** Where the image is legal later, of the instants that must be asked the last one. */
  #later(instant: number, vector: Int32Array): ListedImage | undefined {
    for (const later of this.#space.lastOnes()[instant]?.later.toReversed() ?? []) {
      const rank = this.#space.at(later).rank(vector);
      if (rank !== undefined) return { instant: later, rank };
    }
    return undefined;
  }

  #image(image: ListedImage, vector: Int32Array): Candidate {
    const contents = vector.map((version, cell) => this.#timeline.contentOf(cell, version));
    return { model: this.#model, ...image, sum: sumOf(contents).text };
  }

  /** Of each cell the version that arrived last. */
  #kept(instant: number): Int32Array {
    return this.#shown((command) => (this.#timeline.from[command] ?? 0) <= instant);
  }

  /** Of each cell the version that arrived last and is durable. */
  #lost(instant: number): Int32Array {
    return this.#shown((command) => (this.#timeline.durable[command] ?? 0) <= instant);
  }

  #shown(isShown: (command: number) => boolean): Int32Array {
    const { cells, version } = this.#timeline;
    return Int32Array.from(cells.place, (_, cell) => {
      for (let slot = (cells.first[cell + 1] ?? 0) - 1; slot >= (cells.first[cell] ?? 0); slot--) {
        if (isShown(cells.command[slot] ?? 0)) return version[slot] ?? 0;
      }
      return 0;
    });
  }
}

function* choices(components: readonly Component[], count: 1 | 2): Generator<Component[], void> {
  for (const [at, one] of components.entries()) {
    if (count === 1) yield [one];
    else for (const other of components.slice(at + 1)) yield [one, other];
  }
}

/** `vector`, but with the components of `other`. */
function mixed(vector: Int32Array, other: Int32Array, some: readonly Component[]): Int32Array {
  const result = vector.slice();
  for (const cell of some.flatMap(({ cells }) => cells)) result[cell] = other[cell] ?? 0;
  return result;
}
