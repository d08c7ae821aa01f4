/** The parameter table as text: for `--help` and for docs/parameters.md. Knows no flags beyond the
 *  spelling that follows from a name. */

import { integerRule } from './kinds.ts';
import { type Row, rows, topics } from './parameters.ts';

/** What a value may be, in words. */
function valueText(row: Row): string {
  if (row.kind === 'boolean' || row.kind === 'count') return '0 or 1';
  if (row.kind === 'text') return row.rule ?? 'text';
  return integerRule(row).replace(/^must be /, '');
}

function defaultText(row: Row): string {
  if (typeof row.default === 'boolean') return row.default ? '1' : '0';
  return row.default === '' ? 'none' : String(row.default);
}

function flag(name: string): string {
  return `--${name.replaceAll('_', '-')}`;
}

/** Every parameter by topic, with default and range. */
export function helpText(): string {
  const lines = [
    'Parameters, as a flag (--memory-backed, --gb 4) or a word (memory_backed=1 gb=4):',
  ];
  for (const topic of topics) {
    const ours = [...rows].filter(([, row]) => row.topic === topic && row.where !== 'C');
    if (ours.length === 0) continue;
    lines.push('', `${topic}:`);
    for (const [name, row] of ours) {
      const state = row.built ? '' : ' [not available yet]';
      lines.push(`  ${flag(name).padEnd(26)} ${row.help}${state}`);
      lines.push(`  ${''.padEnd(26)} default ${defaultText(row)}; ${valueText(row)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** docs/parameters.md. */
export function parametersMarkdown(): string {
  const lines = [
    '# Parameters',
    '',
    '<!-- Made from src/config/parameters.ts by `npm run docs`; do not edit. -->',
    '',
    'Each parameter is a flag (`--memory-backed`, `--gb 4`) and a word as for modprobe',
    '(`memory_backed=1 gb=4`). Flags and words are one list: the later one wins. Numbers are decimal,',
    '0x hexadecimal or 0 octal; booleans are 0/1, y/n, t/f, on/off or true/false, and 1 without a',
    'value. What is not available yet is refused by name.',
  ];
  for (const topic of topics) {
    const ours = [...rows].filter(([, row]) => row.topic === topic);
    if (ours.length === 0) continue;
    lines.push('', `## ${topic}`, '', '| name | available | default | value | meaning |');
    lines.push('|---|---|---|---|---|');
    for (const [name, row] of ours) {
      const cells = [
        `\`${name}\``,
        row.built ? 'yes' : 'not yet',
        defaultText(row),
        valueText(row),
      ];
      lines.push(
        `| ${[...cells, row.help].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}
