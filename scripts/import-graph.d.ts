/** Types of import-graph.js, for the tests. */

/** By path from the root of the checkout, with slashes. */
export type ImportGraph = ReadonlyMap<string, ReadonlySet<string>>;

export function importsOf(text: string): string[];
export function importGraph(files: ReadonlyMap<string, string>): ImportGraph;
export function circles(graph: ImportGraph): string[][];
export function explain(graph: ImportGraph, circle: readonly string[]): string[];
export function mermaid(graph: ImportGraph): string;
export function reachable(graph: ImportGraph, from: string): Set<string>;
/** @param root a folder, as a file URL. */
export function readSources(root: URL): Map<string, string>;
