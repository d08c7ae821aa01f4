/** The tables of docs/spec as rows of cells. */

import { readFileSync } from 'node:fs';

export function specification(name: 'control' | 'driver' | 'nbd-protocol'): string {
  return readFileSync(new URL(`../../docs/spec/${name}.md`, import.meta.url), 'utf8');
}

/** The rows of the table whose head begins with `head`, without head and rule.
 *  @throws when there is no such table. */
export function table(text: string, ...head: readonly string[]): string[][] {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => head.every((cell, i) => cells(line)[i] === cell));
  if (at < 0) throw new Error(`there is no table with the head ${head.join(', ')}`);
  const end = lines.findIndex((line, i) => i > at && !line.startsWith('|'));
  return lines.slice(at + 2, end).map(cells);
}

function cells(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** `NAME 1, OTHER 0x10` as names and numbers. */
export function numbersIn(cell: string): Record<string, number> {
  const pairs = [...cell.matchAll(/\b([A-Z][A-Z_]+) (0x[0-9a-f]+|\d+)/g)];
  return Object.fromEntries(pairs.map(([, name = '', number]) => [name, Number(number)]));
}
