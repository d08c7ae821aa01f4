/** docs/parameters.md: the table of parameters and attributes, by topic. */

import { isParameter, rows } from '../../src/config/parameters.ts';
import { defaultText, flag, valueText } from '../../src/config/render.ts';
import { type Row, topics, type When } from '../../src/config/rows.ts';
import { SIZE_HELP } from '../../src/config/sizes.ts';

/** When an attribute can be set, in words. */
const moments: { readonly [W in When]: string } = {
  start: 'at start only',
  off: 'while off',
  live: 'at any time',
  'powered on': 'while on',
  'read only': 'never',
};

const wide = [...rows].filter(([, row]) => row.width === 64).map(([name]) => name);

const INTRODUCTION = [
  '# Parameters',
  '',
  '<!-- Made from src/config/parameters.ts by `npm run docs`; do not edit. -->',
  '',
  'A parameter is a flag (`--memory-backed`, `--gb 4`) and a word as for modprobe',
  '(`memory_backed=1 gb=4`). Flags and words are one list: the later one wins. Numbers are decimal,',
  '0x hexadecimal or 0 octal; booleans are 0/1, y/n, t/f, on/off or true/false, and 1 without a',
  'value. A value outside its range, or against a rule between parameters, is an error at start.',
  '',
  `\`size_bytes\` and the flags with a \`<size>\` take sizes. ${SIZE_HELP}`,
  '',
  'An attribute is a file of a device in the control tree. While the device is off it takes any number',
  'of its width, without sign and blanks; else EINVAL, or ERANGE when it has more bits. The width is 32',
  `bits; 64 for ${wide.join(', ')}.`,
  'When power becomes 1 the values are judged: what a device cannot have is EINVAL, what is adjusted is',
  'written back. What can be set only while off is EBUSY while power is 1. Integers read back in',
  'decimal, booleans as 0 or 1, home_node -1 as 4294967295. A device made while the program runs starts',
  'from the parameters.',
];

/** The whole file. */
export function parametersMarkdown(): string {
  const lines = [...INTRODUCTION];
  for (const topic of topics) {
    const ours = [...rows].filter(([, row]) => row.topic === topic);
    if (ours.length === 0) continue;
    lines.push('', `## ${topic}`, '');
    lines.push('| name | flag | attribute | set | default | value | meaning |');
    lines.push('|---|---|---|---|---|---|---|', ...ours.map(([name, row]) => tableRow(name, row)));
  }
  return `${lines.join('\n')}\n`;
}

function tableRow(name: string, row: Row): string {
  const cells = [
    `\`${name}\``,
    isParameter(name) ? `\`${flag(name)}\`` : '-',
    row.where === 'P'
      ? '-'
      : `\`${row.attribute ?? name}\`${row.kind === 'fault' ? ' (group)' : ''}`,
    moments[row.when],
    defaultText(row),
    valueText(row),
    row.help,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
