/** The walks of docs/architecture.md: which functions they name, whether the files have them, and which of
 *  them were called while something ran. */

import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

const root = new URL('../../', import.meta.url);

export interface Named {
  readonly step: string;
  /** From the root of the checkout. */
  readonly file: string;
  /** Without the mark of a private one. */
  readonly name: string;
}

/** The functions that the table under a heading of docs/architecture.md names, in order. */
export function walk(heading: string): Named[] {
  const text = readFileSync(new URL('docs/architecture.md', root), 'utf8');
  const from = text.indexOf(`\n## ${heading}\n`);
  const rows = text
    .slice(from, text.indexOf('\n## ', from + 1))
    .matchAll(/^\| (\d+)\. .*?\| (.*)\|$/gm);
  return [...rows].flatMap(([, step = '', where = '']) =>
    [...where.matchAll(/\[[^\]]+\]\(\.\.\/([^)]+)\)((?:,? `\w+`)+)/g)].flatMap(
      ([, file = '', names = '']) =>
        [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => ({ step, file, name })),
    ),
  );
}

/** The functions that sentences of the document name, as in: `parse` and `check` of [FILE](../FILE). */
export function named(): Named[] {
  const text = readFileSync(new URL('docs/architecture.md', root), 'utf8').replace(/\s+/g, ' ');
  const said = text.matchAll(/((?:`\w+`(?:,? and |, )?)+) of \[[^\]]+\]\(\.\.\/([^)]+)\)/g);
  return [...said].flatMap(([, names = '', file = '']) =>
    [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => ({ step: 'in a sentence', file, name })),
  );
}

/** Is there a function or method of this name in the text of a file? */
export function defines(text: string, name: string): boolean {
  const method = `^  (?:static |async |get |\\*)*#?${name}(?:<[^>]+>)?\\(`;
  const callable = `^(?:export )?(?:async )?(?:function\\*? ${name}\\b|const ${name} = )`;
  return new RegExp(`${method}|${callable}`, 'm').test(text);
}

/** Those of `names` that are in no file, or not in the one that they are said to be in. */
export function missing(names: readonly Named[]): string[] {
  return names
    .filter(({ file, name }) => !defines(readFileSync(new URL(file, root), 'utf8'), name))
    .map(({ step, file, name }) => `step ${step}: ${file} has no ${name}`);
}

/** Runs `work`. @returns those of `names` that were not called meanwhile. */
export async function uncalled(
  names: readonly Named[],
  work: () => Promise<void>,
): Promise<string[]> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
    await work();
    const { result } = await session.post('Profiler.takePreciseCoverage');
    const called = new Set(
      result.flatMap(({ url, functions }) =>
        functions.map((one) => `${url} ${one.functionName.replace(/^#/, '')}`),
      ),
    );
    const wasCalled = ({ file, name }: Named): boolean =>
      [...called].some((one) => one.endsWith(`/${file} ${name}`));
    return names
      .filter((one) => !wasCalled(one))
      .map(({ step, file, name }) => `step ${step}: ${file} ${name}`);
  } finally {
    await session.post('Profiler.stopPreciseCoverage');
    session.disconnect();
  }
}
