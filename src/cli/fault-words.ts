/** The typed words of a rule as the API takes them. `trace:@FILE` is read here, because the server opens no
 *  file that a call names. Source: faults.md section 1 (delay). */

import { readFileSync } from 'node:fs';
import { shown, systemText } from '../config/errors.ts';
import { alone } from '../rules/alone.ts';
import { StartError, UsageError } from './usage-error.ts';

const TRACE_FILE = 'trace:@';

/** @throws UsageError for an unknown word or one given twice, StartError for a file that cannot be read. */
export function ruleOf(words: readonly string[]): Readonly<Record<string, string>> {
  const rule: Record<string, string> = {};
  for (const word of words) {
    const [, name, value = ''] = /^([^=]+)=(.*)$/s.exec(withValue(word)) ?? [];
    if (name === undefined) throw new UsageError(`'${shown(word)}' is not word=value`);
    if (Object.hasOwn(rule, name)) throw new UsageError(`${shown(name)}: given twice`);
    rule[name] = name === 'delay' && value.startsWith(TRACE_FILE) ? trace(value) : value;
  }
  return rule;
}

function withValue(word: string): string {
  const value = alone.get(word);
  return value === undefined ? word : `${word}=${value}`;
}

/** Durations, separated by blanks, commas or line breaks. Lines that begin with `#` are comments. */
function trace(value: string): string {
  const file = value.slice(TRACE_FILE.length);
  const lines = textOf(file)
    .split('\n')
    .filter((line) => !line.startsWith('#'));
  return `trace:${lines
    .join(' ')
    .split(/[\s,]+/)
    .filter(Boolean)
    .join(',')}`;
}

/** The text of a file. @throws StartError in one line. */
export function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartError(systemText(error, file));
  }
}
