/** The traps of nbd-protocol.md section 7: each has a test of raw bytes, which carries its number in its
 *  title, `trap 7: ...` or `traps 13, 14: ...`. */

export const TRAPS = 34;

/** Where the tests of raw bytes are. */
export const RAW_BYTES = 'test/wire/';

/** The numbers in the title of a test or of the `describe` around it. */
export function trapsOf(title: string): number[] {
  return [...title.matchAll(/\btraps? (\d+(?:, \d+)*):/g)].flatMap(([, numbers = '']) =>
    numbers.split(', ').map(Number),
  );
}

/** What keeps the traps from being shown: each number without a test, each test that failed, and each
 *  number that is none.
 *  @param results by file and title: did it run and pass? */
export function unshownTraps(results: ReadonlyMap<string, ReadonlyMap<string, boolean>>): string[] {
  const missing = new Set(Array.from({ length: TRAPS }, (_, at) => at + 1));
  const wrong: string[] = [];
  for (const [file, titles] of results) {
    if (!file.startsWith(RAW_BYTES)) continue;
    for (const [title, passed] of titles) {
      for (const trap of trapsOf(title)) {
        if (trap < 1 || trap > TRAPS) wrong.push(`${file}: '${title}': there is no trap ${trap}`);
        else if (!passed) wrong.push(`trap ${trap}: ${file}: '${title}' did not run and pass`);
        missing.delete(trap);
      }
    }
  }
  return [
    ...wrong,
    ...Array.from(missing, (trap) => `trap ${trap}: there is no test of raw bytes`),
  ];
}
