/** docs/fault-words.md: the words of a rule, as the program reads them. */

import { alone } from '../../src/rules/alone.ts';
import { type Word, type WordName, wordNames, words } from '../../src/rules/words.ts';

const INTRODUCTION = [
  '# The words of a rule',
  '',
  '<!-- Made from src/rules/words.ts by `npm run docs`; do not edit. -->',
  '',
  'The same in a plan (JSON), in the API and on the command line (`op=write nth=3 error=EIO`). What they are',
  'for, with examples: [faults.md](faults.md). For editors: [fault-plan.schema.json](fault-plan.schema.json).',
];

const parts: Readonly<Record<Word['part'], string>> = {
  rule: 'The rule itself',
  match: 'Match: which commands it is about; all that are there must hold',
  trigger: 'Trigger: which of those it strikes',
  action: 'Action: what then happens; a rule has one',
  how: 'How the action is done',
  beside: 'Beside any action, or alone',
};

/** The whole file. */
export function faultWordsMarkdown(): string {
  const lines = [...INTRODUCTION];
  for (const [part, title] of Object.entries(parts)) {
    const ours = wordNames.filter((name) => words[name].part === part);
    lines.push('', `## ${title}`, '', '| word | value | meaning |', '|---|---|---|');
    lines.push(...ours.map(row));
  }
  return `${lines.join('\n')}\n`;
}

function row(name: WordName): string {
  const { kind, help, of = [] }: Word = words[name];
  const owner = of.length === 0 ? '' : ` (with ${of.map((one) => `\`${one}\``).join(' or ')})`;
  const value = alone.get(name);
  const without = value === undefined ? '' : `; on the command line also without a value: ${value}`;
  return `| \`${name}\` | ${kind.allowed.replaceAll('|', '\\|')}${without} | ${help}${owner} |`;
}
