/** The words that choose commands of a request log, for help; loaded on demand. */

import { filterHelp, filterNames } from '../rules/log-filter.ts';

export function filterWordsHelp(): string {
  const lines = filterNames.map((name) => `  ${name.padEnd(8)} ${filterHelp(name)}\n`);
  return `Words:\n${lines.join('')}`;
}
