/** The mistakes of nbd-protocol.md section 7: each has a name there, and a test of raw bytes whose title
 *  begins with that name, `abort: ...`, or with several, `empty-chunk, one-data-chunk: ...`. */

import { readFileSync } from 'node:fs';

export const SPECIFICATION = 'docs/spec/nbd-protocol.md';

/** Where the tests of raw bytes are. */
export const RAW_BYTES = 'test/wire/';

/** The names of the table, of this checkout or of `text`. */
export function mistakes(text = read()): string[] {
  const section = text.slice(text.indexOf('\n## 7.'));
  return [...section.matchAll(/^\| `([a-z0-9-]+)` +\|/gm)].map(([, name = '']) => name);
}

function read(): string {
  return readFileSync(new URL(`../../${SPECIFICATION}`, import.meta.url), 'utf8');
}

/** The names in the title of a test or of the `describe` around it. */
export function mistakesOf(title: string, known: readonly string[]): string[] {
  const lists = [...title.matchAll(/(?:^| > )([a-z0-9-]+(?:, [a-z0-9-]+)*):/g)];
  return lists
    .flatMap(([, names = '']) => names.split(', '))
    .filter((name) => known.includes(name));
}

/** What keeps the mistakes from being shown: each name without a test, and each test that failed.
 *  @param results by file and title: did it run and pass? */
export function unshownMistakes(
  results: ReadonlyMap<string, ReadonlyMap<string, boolean>>,
  known: readonly string[] = mistakes(),
): string[] {
  const missing = new Set(known);
  const wrong: string[] = [];
  for (const [file, titles] of results) {
    if (!file.startsWith(RAW_BYTES)) continue;
    for (const [title, passed] of titles) {
      for (const name of mistakesOf(title, known)) {
        if (!passed) wrong.push(`${name}: ${file}: '${title}' did not run and pass`);
        missing.delete(name);
      }
    }
  }
  return [...wrong, ...Array.from(missing, (name) => `${name}: there is no test of raw bytes`)];
}
