// Draws which folder imports which as a Mermaid flowchart, and fails when files import each other in a
// circle. An import of types counts: who reads or tests one file of a circle needs all of them.
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { argv, cwd, exit, stderr, stdout } from 'node:process';
import { pathToFileURL } from 'node:url';

/** Where the sources are, from the root of the checkout. */
const places = ['src', 'packages', 'bench/src', 'scripts', 'test'];

/** What `text` imports, as it is written there: also for its effect, dynamically, by require(), as a type. */
export function importsOf(text) {
  const from = /^(?:import|export|\}) .*?from '([^']+)'/gm;
  const other = /^import '([^']+)'|\b(?:import|require|getBuiltinModule)\(\s*['"`]([^'"`]+)/gm;
  return [...text.matchAll(from), ...text.matchAll(other)].map(([, a, b]) => a ?? b ?? '');
}

/** The files that each file imports. @param files texts by path, from the root of the checkout. */
export function importGraph(files) {
  const graph = new Map();
  for (const [path, text] of files) {
    const targets = importsOf(text)
      .filter((name) => name.startsWith('.'))
      .map((name) => posix.join(posix.dirname(path), name));
    graph.set(path, new Set(targets.filter((target) => files.has(target))));
  }
  return graph;
}

/** Groups of files that import each other, each group sorted. By Tarjan's algorithm. */
export function circles(graph) {
  const found = [];
  const order = new Map();
  const lowest = new Map();
  const stack = [];
  const visit = (file) => {
    order.set(file, order.size);
    lowest.set(file, order.get(file));
    stack.push(file);
    for (const target of graph.get(file) ?? []) {
      if (!order.has(target)) visit(target);
      // Who is not on the stack any more is in a group of its own.
      if (stack.includes(target)) {
        lowest.set(file, Math.min(lowest.get(file), lowest.get(target)));
      }
    }
    if (lowest.get(file) !== order.get(file)) return;
    const group = stack.splice(stack.indexOf(file));
    if (group.length > 1 || graph.get(file)?.has(file)) found.push(group.sort());
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return found;
}

/** The imports within a circle, a line for each. */
export function explain(graph, circle) {
  return circle.map((file) => {
    const targets = [...(graph.get(file) ?? [])].filter((target) => circle.includes(target));
    return `${file} imports ${targets.join(', ')}`;
  });
}

/** The folders of src/ and what they import of each other, without the imports that follow from others. */
export function mermaid(graph) {
  const folders = folderGraph(graph);
  const lines = [...folders].flatMap(([folder, targets]) => {
    const behind = new Set([...targets].flatMap((target) => [...reachable(folders, target)]));
    return [...targets]
      .filter((target) => !behind.has(target))
      .map((to) => `  ${folder} --> ${to}`);
  });
  return ['flowchart TD', ...lines.sort()].join('\n');
}

function folderGraph(graph) {
  const folders = new Map();
  for (const [file, targets] of graph) {
    const from = folderOf(file);
    if (from === undefined) continue;
    const known = folders.get(from) ?? new Set();
    folders.set(from, known);
    for (const target of targets) {
      const to = folderOf(target);
      if (to !== undefined && to !== from) known.add(to);
    }
  }
  return folders;
}

/** Whatever `from` imports, and what those import, and so on: files of a graph of files, folders of one of
 *  folders. */
export function reachable(graph, from, seen = new Set()) {
  for (const target of graph.get(from) ?? []) {
    if (seen.has(target)) continue;
    seen.add(target);
    reachable(graph, target, seen);
  }
  return seen;
}

function folderOf(file) {
  return /^src\/(\w+)/.exec(file)?.[1];
}

/** The texts of all sources below `root`, by path. */
export function readSources(root) {
  const files = new Map();
  for (const place of places) {
    for (const name of readdirSync(new URL(`${place}/`, root), { recursive: true })) {
      const path = posix.join(place, name);
      if (!/\.tsx?$/.test(path) || /(^|\/)(node_modules|dist)\//.test(path)) continue;
      files.set(path, readFileSync(new URL(path, root), 'utf8'));
    }
  }
  return files;
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  const graph = importGraph(readSources(pathToFileURL(`${cwd()}/`)));
  stdout.write(`${mermaid(graph)}\n`);
  const found = circles(graph);
  for (const circle of found) {
    stderr.write(`these files import each other:\n  ${explain(graph, circle).join('\n  ')}\n`);
  }
  if (found.length > 0) exit(1);
}
