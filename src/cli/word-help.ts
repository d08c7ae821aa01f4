/** Help for the words of a rule. It is apart so that only help loads the table. */

import { wordNames, words } from '../rules/words.ts';

export function wordHelp(): string {
  const lines = wordNames.map((name) => `  ${name.padEnd(12)} ${words[name].help}\n`);
  return `Words of a rule (docs/fault-words.md has their values):\n${lines.join('')}`;
}
