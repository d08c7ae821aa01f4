/** Links of documents lead to files, and to headings that are in them. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);

/** The anchor of a heading, as GitHub makes it. */
function anchor(heading: string): string {
  const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
  return plain
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}

function anchors(text: string): Set<string> {
  const found = new Set<string>();
  const counts = new Map<string, number>();
  for (const [, heading = ''] of text.replace(/^```.*?^```/gms, '').matchAll(/^#+ (.*)$/gm)) {
    const name = anchor(heading);
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    found.add(count === 0 ? name : `${name}-${count}`);
  }
  return found;
}

/** The links of a document that lead nowhere. */
function broken(path: string, text: string): string[] {
  const prose = text.replace(/^```.*?^```/gms, '').replace(/`[^`\n]*`/g, '');
  const links = [...prose.matchAll(/\]\(<?([^)\s>]+)>?\)/g)].map(([, target = '']) => target);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [file = '', at] = link.split('#');
    const url = new URL(
      file === '' ? path.slice(path.lastIndexOf('/') + 1) : file,
      new URL(path, root),
    );
    if (!existsSync(url)) return true;
    return (
      at !== undefined &&
      url.pathname.endsWith('.md') &&
      !anchors(readFileSync(url, 'utf8')).has(at)
    );
  });
}

const documents = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'],
  {
    cwd: root,
    encoding: 'utf8',
  },
)
  .trim()
  .split('\n')
  .filter((path) => existsSync(new URL(path, root)));

test('there are documents to judge', () => {
  expect(documents.length).toBeGreaterThan(20);
});

test.each(documents)('%s', (path) => {
  expect(broken(path, readFileSync(new URL(path, root), 'utf8'))).toEqual([]);
});

describe('a link that leads nowhere is found', () => {
  test.each([
    ['to a file', '[x](spec/nothing.md)'],
    ['to a heading', '[x](spec/driver.md#10-nothing)'],
    ['to a heading of its own', '# A heading\n[x](#another)'],
  ])('%s', (_, text) => {
    expect(broken('docs/running.md', text)).toHaveLength(1);
  });

  test('one to a heading that is there is not, nor one in an example', () => {
    const text = '[x](spec/driver.md#6-zones), [y](https://a.b/c), `[z](q)`\n```\n[z](q)\n```\n';
    expect(broken('docs/running.md', text)).toEqual([]);
  });
});
