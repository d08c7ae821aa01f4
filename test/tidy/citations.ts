/** What comments cite behind the word Source, as in `driver.md section 6, Read; parameter mbps;
 *  sd_notify(3)`.
 *  Finds each citation that does not lead to a document of docs/, to a section in it, or to something public.
 *  citations.test.ts checks that there is none. */

import type { SourceFile } from './rules.ts';

/** A document as citations need it. */
export interface Document {
  /** What is under each numbered heading, by number. */
  readonly sections: ReadonlyMap<string, string>;
  /** All headings, without numbers. */
  readonly headings: ReadonlySet<string>;
  readonly text: string;
}

/** By path from the root of the checkout. */
export type Documents = ReadonlyMap<string, Document>;

export function readDocument(text: string): Document {
  const sections = new Map<string, string>();
  const headings = new Set<string>();
  let within: string[] = [];
  for (const line of text.split('\n')) {
    const [, marks = '', number, title = ''] =
      /^(#+) (?:(\d+(?:\.\d+)?)\.? )?(.*)$/.exec(line) ?? [];
    if (marks !== '') headings.add(title);
    if (marks.length === 2) within = [];
    if (number !== undefined) within = [...within.filter((one) => !one.includes('.')), number];
    for (const one of within) sections.set(one, `${sections.get(one) ?? ''}${line}\n`);
  }
  return { sections, headings, text };
}

/** Documents that are no files of ours, each with what it is called. */
const OUTSIDE =
  /\b[a-z_]+\(\d\)|\bRFC \d+|\bJSON Schema [\d-]+(?:, \w+)?(?:, section [\d.]+)?|\bPrometheus text format [\d.]+|\bLinux's [a-z_/]+(?:\.[a-z]+)?/g;
const DETAIL = / \([^()]*(?:\([^()]*\)[^()]*)*\)/;
const NUMBERS = /\d+(?:\.\d+)?(?:(?:, | and | to |, and )\d+(?:\.\d+)?)*/;
const NAME = /(?:, (?:[A-Z][\w-]*(?: [a-z-]+)*))*/;
const SECTION = new RegExp(`\\b([\\w-]+)\\.md sections? (${NUMBERS.source})(${NAME.source})`, 'g');
const ROWS = new RegExp(`\\brnull-series(?:\\.md)? (?:rows? )?(${NUMBERS.source})`, 'g');
const FILE = /\b(docs\/[\w/-]+\.md)(?:, "?([A-Z][^".;]*)"?)?/g;
const PARAMETERS =
  /\b(?:parameters?|attributes?) ((?:-{0,2}[a-z_-]+)(?:(?:, | and )-{0,2}[a-z_-]+)*)/g;

/** What is wrong with the citations of one file. */
export function brokenCitations({ path, text }: SourceFile, documents: Documents): string[] {
  const wrong: string[] = [];
  for (const { line, said } of comments(text)) {
    const where = `${path}:${line}`;
    for (const piece of [withoutDetails(said), ...detailsOf(said)]) {
      wrong.push(...missingSections(piece, documents).map((why) => `${where}: ${why}`));
    }
    for (const [, cited = ''] of said.matchAll(/(?<![\w/.-])([\w/-]+\.md)\b/g)) {
      if (!isThere(cited, path, documents)) wrong.push(`${where}: there is no ${cited}`);
    }
    const source = /(?<!\w)Source: (.*)$/.exec(said)?.[1];
    if (source !== undefined)
      wrong.push(...judgeSource(sentence(source), documents).map((why) => `${where}: ${why}`));
  }
  return wrong;
}

/** Each comment as one line of text: what is before a blank line of it and what is behind are two. */
function* comments(text: string): Generator<{ readonly line: number; readonly said: string }> {
  let said = '';
  let begun = 0;
  for (const [at, line] of [...text.split('\n'), ''].entries()) {
    const [, words] = /^\s*(?:\/\*\*?|\*(?!\/)|\/\/) ?(.*?)\s*(?:\*\/)?$/.exec(line) ?? [];
    if (words !== undefined && words !== '') {
      if (said === '') begun = at + 1;
      said = `${said} ${words.trim()}`.trim();
      if (!line.trimEnd().endsWith('*/')) continue;
    }
    if (said !== '') yield { line: begun, said };
    said = '';
  }
}

/** Up to the full stop: behind it other things are said. */
function sentence(source: string): string {
  return source.replace(/\.(?: [A-Z`@].*)?$/, '');
}

/** Everything between `Source:` and the full stop must be a citation. */
function judgeSource(source: string, documents: Documents): string[] {
  const wrong: string[] = [];
  let left = withoutDetails(source);
  const take = (pattern: RegExp, judge: (...groups: string[]) => void): void => {
    left = left.replace(pattern, (_, ...groups: string[]) => {
      judge(...groups);
      return '';
    });
  };
  take(OUTSIDE, () => {});
  take(SECTION, () => {}); // judged wherever it is cited
  take(ROWS, (numbers) => {
    const rows = documents.get('docs/rnull-series.md')?.text ?? '';
    for (const row of range(numbers)) {
      if (!rows.includes(`\n| ${row} `)) wrong.push(`docs/rnull-series.md has no row ${row}`);
    }
  });
  take(FILE, (file, heading) => {
    if (heading === undefined) return;
    if (documents.get(file)?.headings.has(heading.trim()) !== true)
      wrong.push(`${file}: no heading '${heading}'`);
  });
  take(PARAMETERS, (names) => {
    for (const name of names.split(/, | and /)) {
      if (!isParameter(name, documents)) wrong.push(`there is no parameter '${name}'`);
    }
  });
  left = left.replace(/[\s,;]|\band\b/g, '');
  if (left !== '') wrong.push(`'${left}' is no citation: ${source}`);
  return wrong;
}

function missingSections(said: string, documents: Documents): string[] {
  return [...said.matchAll(SECTION)].flatMap(([, name = '', numbers = '', parts = '']) => {
    const document = documents.get(`docs/spec/${name}.md`);
    if (document === undefined) return [`there is no docs/spec/${name}.md`];
    const cited = range(numbers);
    const missing = cited.filter((number) => !document.sections.has(number));
    if (missing.length > 0) return missing.map((number) => `${name}.md: no section ${number}`);
    const text = cited.map((number) => document.sections.get(number) ?? '').join('\n');
    return parts
      .split(', ')
      .filter((part) => part !== '' && !leads(part, text))
      .map((part) => `${name}.md: section ${numbers} has no '${part}'`);
  });
}

/** Is `part` a heading of `text`, or the bold beginning of a paragraph? */
function leads(part: string, text: string): boolean {
  return text.split('\n').some((line) => line.replace(/^#+ |^\*\*/, '').startsWith(part));
}

/** In brackets stands what of a section is meant; it is not judged, but what it cites is. */
function withoutDetails(text: string): string {
  let left = text;
  while (DETAIL.test(left)) left = left.replace(DETAIL, '');
  return left;
}

function detailsOf(text: string): string[] {
  return [...text.matchAll(new RegExp(DETAIL.source, 'g'))].map(([detail]) => detail);
}

/** `1, 3 to 5 and 7` as numbers; of 3.1 to 3.3 the last digit counts. */
function range(numbers: string): string[] {
  return numbers.split(/, and |, | and /).flatMap((one) => {
    const [first = '', last] = one.split(' to ');
    if (last === undefined) return [first];
    const [chapter = '', from] = first.split('.');
    const [start, end] = from === undefined ? [chapter, last] : [from, last.split('.')[1] ?? ''];
    const count = Number(end) - Number(start) + 1;
    const all = Array.from({ length: Math.max(0, count) }, (_, at) => Number(start) + at);
    return all.map((number) => (from === undefined ? `${number}` : `${chapter}.${number}`));
  });
}

/** A parameter is a row of docs/parameters.md, a flag is in docs/running.md. */
function isParameter(name: string, documents: Documents): boolean {
  const rows = documents.get('docs/parameters.md')?.text ?? '';
  const flags = documents.get('docs/running.md')?.text ?? '';
  return name.startsWith('--') ? flags.includes(`\`${name}`) : rows.includes(`\`${name}\``);
}

function isThere(cited: string, path: string, documents: Documents): boolean {
  const folder = path.slice(0, path.lastIndexOf('/'));
  const places = [cited, `docs/${cited}`, `docs/spec/${cited}`, `${folder}/${cited}`];
  return places.some((place) => documents.has(place));
}
