/** Why an image fails: the nearest image found that passes, and the fewest components that make the difference (delta
 *  debugging: none of them could be left out). Source: crash.md section 5. */

import type { InstantImages } from './instant-images.ts';
import type { Component } from './legality.ts';
import type { Timeline } from './timeline.ts';

/** An image of an instant: the version of each cell. */
export type Vector = Int32Array;

export interface Shrunk {
  readonly passing: Vector;
  /** Where the failing image differs from it. */
  readonly components: readonly Component[];
  /** Of those, the fewest that make `passing` fail when they are as in the failing image; and what it is then. */
  readonly least: readonly Component[];
  readonly failing: Vector;
}

/** Up to so many components of difference, the nearest image is looked for: it takes their square of checks. */
const NEAREST_MAX = 24;

/** @param fails checks an image.
 *  @param others images of the instant: the nearest that passes is where the search begins.
 *  @returns undefined: none of them passes. */
export async function shrink(
  images: InstantImages,
  failing: Vector,
  others: readonly Vector[],
  fails: (vector: Vector) => Promise<boolean>,
): Promise<Shrunk | undefined> {
  const near = others
    .map((other) => ({ other, components: difference(images, failing, other) }))
    .filter(({ components }) => components.length > 0)
    .sort((a, b) => a.components.length - b.components.length);
  for (const { other, components } of near) {
    if (await fails(other)) continue;
    const passes = async (some: readonly Component[]): Promise<boolean> =>
      !(await fails(mixed(failing, other, some)));
    const isFar = components.length > NEAREST_MAX;
    const needed = isFar ? components : await minimal(components, passes);
    const passing = mixed(failing, other, needed);
    const least = await minimal(needed, (some) => fails(mixed(passing, failing, some)));
    return { passing, components: needed, least, failing: mixed(passing, failing, least) };
  }
  return undefined;
}

/** Where two images of an instant differ. */
function difference(images: InstantImages, one: Vector, other: Vector): readonly Component[] {
  return images.components.filter(({ cells }) => cells.some((cell) => one[cell] !== other[cell]));
}

/** A part of `all`, for which `passes` holds, and of which nothing more can be left out one by one. */
async function minimal<T>(
  all: readonly T[],
  passes: (some: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let left = all;
  for (let parts = 2; left.length > 1; ) {
    const found = await smaller(left, Math.min(parts, left.length), passes);
    if (found !== undefined) {
      left = found.some;
      parts = found.isPart ? 2 : Math.max(parts - 1, 2);
    } else if (parts >= left.length) {
      break;
    } else {
      parts *= 2;
    }
  }
  return left;
}

/** One of the parts, or all but one. */
async function smaller<T>(
  all: readonly T[],
  parts: number,
  passes: (some: readonly T[]) => Promise<boolean>,
): Promise<{ some: readonly T[]; isPart: boolean } | undefined> {
  const bounds = Array.from({ length: parts + 1 }, (_, at) =>
    Math.floor((at * all.length) / parts),
  );
  const pieces = bounds.slice(1).map((end, at) => [bounds[at] ?? 0, end] as const);
  for (const [begin, end] of pieces) {
    const some = all.slice(begin, end);
    if (await passes(some)) return { some, isPart: true };
  }
  // With two parts these are the same.
  for (const [begin, end] of parts === 2 ? [] : pieces) {
    const some = [...all.slice(0, begin), ...all.slice(end)];
    if (await passes(some)) return { some, isPart: false };
  }
  return undefined;
}

/** `vector` with some components of `other`. */
function mixed(vector: Vector, other: Vector, some: readonly Component[]): Vector {
  const result = vector.slice();
  for (const cell of some.flatMap(({ cells }) => cells)) result[cell] = other[cell] ?? 0;
  return result;
}

/** An image as versions. @param contents of each cell. */
export function vectorOf(timeline: Timeline, contents: Int32Array): Vector {
  return contents.map((content, cell) => timeline.versionOf(cell, content));
}
