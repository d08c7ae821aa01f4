/** The known name nearest to a misspelt one. Knows no parameters: names come in. */

/** Longest name that is compared: the distance costs the product of both lengths. */
const COMPARED_MAX = 64;

/** Edit distance: fewest insertions, deletions, replacements and swaps of neighbours. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const here = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min(
        (above[column] ?? 0) + 1,
        (here[column - 1] ?? 0) + 1,
        (above[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped =
        row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) best = Math.min(best, (before[column - 2] ?? 0) + 1);
      here.push(best);
    }
    before = above;
    above = here;
  }
  return above[b.length] ?? 0;
}

/** The first of `known` with the smallest edit distance to `name`. Undefined when none is a likely
 *  misspelling: more than half of its letters would have to change. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  const typed = name.slice(0, COMPARED_MAX).toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(typed.replace(/^-+/, '').length / 2)) + 1;
  for (const candidate of known) {
    const distance = editDistance(typed, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** What an error adds to an unknown name: the nearest one, or nothing. */
export function nearestText(name: string, known: Iterable<string>, is = 'the nearest is'): string {
  const meant = nearest(name, known);
  return meant === undefined ? '' : `; ${is} '${meant}'`;
}
