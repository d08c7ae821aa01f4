/** docs/rnull-series.md as a table: the rows, the files that they name, and whether a title that they
 *  name is that of a test. */

import { readFileSync } from 'node:fs';

export interface NamedTest {
  /** From the root of the checkout. */
  readonly file: string;
  /** As vitest reports it, `describe > test`; `…` stands for anything. */
  readonly title: string;
}

export interface Row {
  readonly number: number;
  readonly part: string;
  readonly code: readonly string[];
  readonly tests: readonly NamedTest[];
}

export const DOCUMENT = 'docs/rnull-series.md';

const ROW = /^\| (\d+) +\| (.+?) +\| (.+?) +\| (.+?) +\| (.+?) +\|$/;
const LINK = /\[([^\]]+)\]\(\.\.\/([^)]+)\)/g;

/** @throws when a line of the table is none, or a link does not go where it says. */
export function readRows(text: string): Row[] {
  return text
    .split('\n')
    .filter((line) => /^\| \d/.test(line))
    .map((line) => {
      const [, number = '', part = '', , code = '', shown = ''] = ROW.exec(line) ?? [];
      if (number === '') throw new Error(`no row: ${line}`);
      const tests = shown.split('<br>').flatMap((piece) => {
        const [file = ''] = links(piece);
        return [...piece.matchAll(/`([^`]+)`/g)].map(([, title = '']) => ({ file, title }));
      });
      return { number: Number(number), part, code: links(code), tests };
    });
}

/** The rows of the document of this checkout. */
export function documentRows(): Row[] {
  return readRows(readFileSync(new URL(`../../${DOCUMENT}`, import.meta.url), 'utf8'));
}

function links(cell: string): string[] {
  return [...cell.matchAll(LINK)].map(([, shown, target]) => {
    if (shown !== target || target === undefined) throw new Error(`${shown} leads to ${target}`);
    return target;
  });
}

/** Does the title that a row names mean the test that is reported as `reported`? `…` stands for anything
 *  in both. */
export function means(title: string, reported: string): boolean {
  const [one, other] = [title[0], reported[0]];
  if (one === '…' || other === '…') {
    const [wild, text] = one === '…' ? [title, reported] : [reported, title];
    return means(wild.slice(1), text) || (text !== '' && means(wild, text.slice(1)));
  }
  if (one !== other) return false;
  return one === undefined || means(title.slice(1), reported.slice(1));
}

/** What keeps `row` from being shown: each named title of which there is no test, or one that failed.
 *  @param results of one file, by title: did it run and pass? */
export function unshown(
  row: Row,
  results: (file: string) => ReadonlyMap<string, boolean> | undefined,
): string[] {
  return row.tests.flatMap(({ file, title }) => {
    const found = [...(results(file) ?? [])].filter(([reported]) => means(title, reported));
    const where = `row ${row.number}: ${file}: ${title}`;
    if (found.length === 0) return [`${where}: there is no such test`];
    return found
      .filter(([, passed]) => !passed)
      .map(([reported]) => `${where}: '${reported}' did not run and pass`);
  });
}
