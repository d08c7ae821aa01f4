/** No file imports, over however many others, one that imports it; and what finds circles does find them. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  circles,
  explain,
  importGraph,
  importsOf,
  mermaid,
  reachable,
  readSources,
} from '../../scripts/import-graph.js';

const root = new URL('../../', import.meta.url);
const graph = importGraph(readSources(root));

function graphOf(files: Record<string, string>) {
  return importGraph(new Map(Object.entries(files)));
}

test('no files import each other in a circle', () => {
  expect(graph.size).toBeGreaterThan(100);
  expect(circles(graph).map((circle) => explain(graph, circle))).toEqual([]);
});

test('src/ has nothing that neither the program nor its users load: what only tests or scripts use is theirs', () => {
  const entries = [
    'src/cli/main.ts',
    'src/threads/worker.ts',
    'src/client/index.ts',
    'src/page/main.tsx',
  ];
  const loaded = new Set([...entries, ...entries.flatMap((entry) => [...reachable(graph, entry)])]);
  const ours = [...graph.keys()].filter((path) => path.startsWith('src/'));
  expect(ours.filter((path) => !loaded.has(path))).toEqual([]);
});

test('docs/architecture.md shows the folders as they import each other', () => {
  const text = readFileSync(new URL('docs/architecture.md', root), 'utf8');
  // `node scripts/import-graph.js` prints what belongs there.
  expect(text).toContain(`\`\`\`mermaid\n${mermaid(graph)}\n\`\`\``);
});

describe('a circle is found', () => {
  test.each([
    ['of two files', { 'src/a/x.ts': "import { y } from './y.ts';\n" }],
    ['of types', { 'src/a/x.ts': "import type { Y } from './y.ts';\n" }],
    ['of an import of more lines', { 'src/a/x.ts': "import {\n  y,\n} from './y.ts';\n" }],
    ['of a dynamic import', { 'src/a/x.ts': "const y = await import('./y.ts');\n" }],
    ['of an import for its effect', { 'src/a/x.ts': "import './y.ts';\n" }],
    ['of an export', { 'src/a/x.ts': "export * from './y.ts';\n" }],
  ])('%s', (_, half) => {
    const files = { ...half, 'src/a/y.ts': "import { x } from './x.ts';\n" };
    expect(circles(graphOf(files))).toEqual([['src/a/x.ts', 'src/a/y.ts']]);
  });

  test('over several folders, and told with what imports what', () => {
    const made = graphOf({
      'src/a/x.ts': "import '../b/y.ts';\nimport '../b/free.ts';\n",
      'src/b/y.ts': "import '../c/z.ts';\n",
      'src/b/free.ts': '',
      'src/c/z.ts': "import '../a/x.ts';\n",
      'src/c/outside.ts': "import '../a/x.ts';\n",
    });
    const [circle = [], ...more] = circles(made);
    expect(more).toEqual([]);
    expect(explain(made, circle)).toEqual([
      'src/a/x.ts imports src/b/y.ts',
      'src/b/y.ts imports src/c/z.ts',
      'src/c/z.ts imports src/a/x.ts',
    ]);
  });

  test('of a file with itself, and two of them apart', () => {
    const made = graphOf({
      'src/a/x.ts': "import './x.ts';\n",
      'src/b/y.ts': "import './z.ts';\nimport '../a/x.ts';\n",
      'src/b/z.ts': "import './y.ts';\n",
    });
    expect(circles(made)).toEqual([['src/a/x.ts'], ['src/b/y.ts', 'src/b/z.ts']]);
  });
});

test('two ways to one file are no circle', () => {
  const made = graphOf({
    'src/a/x.ts': "import '../b/y.ts';\nimport '../b/z.ts';\n",
    'src/b/y.ts': "import '../c/w.ts';\n",
    'src/b/z.ts': "import '../c/w.ts';\n",
    'src/c/w.ts': '',
  });
  expect(circles(made)).toEqual([]);
});

test('the drawing has each import of a folder that does not follow from others', () => {
  const made = graphOf({
    'src/a/x.ts': "import '../b/y.ts';\nimport '../c/w.ts';\nimport 'pino';\n",
    'src/b/y.ts': "import '../c/w.ts';\n",
    'src/c/w.ts': "import '../units.ts';\n",
    'src/units.ts': '',
  });
  expect(mermaid(made)).toBe('flowchart TD\n  a --> b\n  b --> c\n  c --> units');
});

test('packages and the system are named as they are imported', () => {
  const text = "import fs from 'node:fs';\nprocess.getBuiltinModule('node:tls');\nimport 'pino';\n";
  expect(importsOf(text).toSorted()).toEqual(['node:fs', 'node:tls', 'pino']);
});
