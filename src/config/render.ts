/** The parameter table as text, for `--help`. Knows no flags beyond the spelling that follows from a name.
 *  docs/parameters.md is made from the same by scripts/docs/parameters.ts. */

import { integerRule, wordRule } from './kinds.ts';
import { isParameter, rows } from './parameters.ts';
import { type Row, topics } from './rows.ts';

/** What a value may be, in words. */
export function valueText(row: Row): string {
  if (row.kind === 'boolean' || row.kind === 'count') return '0 or 1';
  if (row.kind === 'word') return wordRule(row).replace(/^must be /, '');
  if (row.kind === 'path') return 'the path of a file, absolute in the API; empty: none';
  if (row.kind !== 'integer') return row.rule ?? 'text';
  return integerRule(row).replace(/^must be /, '');
}

export function defaultText(row: Row): string {
  if (typeof row.default === 'boolean') return row.default ? '1' : '0';
  return row.default === '' ? 'none' : String(row.default);
}

/** The flag of a parameter. */
export function flag(name: string): string {
  return `--${name.replaceAll('_', '-')}`;
}

/** Every parameter by topic, with default and range. */
export function helpText(): string {
  const lines = [
    'Parameters, as a flag (--memory-backed, --gb 4) or a word (memory_backed=1 gb=4):',
  ];
  for (const topic of topics) {
    const ours = [...rows].filter(([name, row]) => row.topic === topic && isParameter(name));
    if (ours.length === 0) continue;
    lines.push('', `${topic}:`);
    for (const [name, row] of ours) {
      lines.push(`  ${flag(name).padEnd(26)} ${row.help}`);
      lines.push(`  ${''.padEnd(26)} default ${defaultText(row)}; ${valueText(row)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
