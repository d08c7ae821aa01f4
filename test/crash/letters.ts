/** Images as texts of a letter for each sector, `.` for zeros and `?` for random bytes. */

import type { CrashSite } from '../../src/crash/models.ts';
import type { ListedImage } from '../../src/crash/space.ts';
import { RANDOM, type Timeline } from '../../src/crash/timeline.ts';

export function lettersOf({ timeline, space }: CrashSite, image: ListedImage): string {
  const contents = space.contents(image);
  if (contents === undefined) throw new Error(`no rank ${image.rank} at ${image.instant}`);
  return lettersOfContents(timeline, contents);
}

export function lettersOfContents(timeline: Timeline, contents: Int32Array): string {
  const { cells, log } = timeline;
  const letters = Array.from({ length: log.header.size / 512 }, () => '.');
  const sectors = cells.bytes / 512;
  for (const [cell, place] of cells.place.entries()) {
    for (let at = 0; at < sectors && place * sectors + at < letters.length; at++) {
      const content = contents[cell] ?? 0;
      const byte = content === RANDOM ? 0x3f : cells.contents.bytesOf(content)[at * 512];
      letters[place * sectors + at] = byte === 0 ? '.' : String.fromCharCode(byte ?? 0);
    }
  }
  return letters.join('');
}

/** All that are legal at an instant, by rank. */
export function allAt(site: CrashSite, instant: number): string[] {
  const count = Number(site.space.legal()[instant]);
  return Array.from({ length: count }, (_, rank) =>
    lettersOf(site, { instant, rank: BigInt(rank) }),
  );
}
