/** What all models have in common: images by instant and rank. */

export interface ListedImage {
  readonly instant: number;
  readonly rank: bigint;
}

/** With the text of a `ContentSum`. */
export interface SummedImage extends ListedImage {
  readonly sum: string;
}

export interface Space {
  /** How many images are legal at each instant. */
  legal(): readonly bigint[];
  /** How many there are in all: equal ones of several instants count once. */
  distinct(): bigint;
  /** Each distinct image at its last instant, by instant, then by rank. */
  images(): Iterable<ListedImage>;
  /** The content of each cell, as a number of `Contents` or RANDOM; undefined: there are not so many images. */
  contents(image: ListedImage): Int32Array | undefined;
}
