/** Attributes as people write them: by either name, as a word or as a flag. Knows no daemon. */

import { shown } from '../config/errors.ts';
import { parseInteger } from '../config/numbers.ts';
import { rows } from '../config/parameters.ts';
import type { Row } from '../config/rows.ts';
import { valueFromHere } from './paths-here.ts';
import { splitFlag } from './spelling.ts';
import { UsageError } from './usage-error.ts';

const MIB_PER_GIB = 1024;

const byAttribute: ReadonlyMap<string, Row> = new Map(
  [...rows].flatMap(([name, row]) => [
    [name, row],
    [row.attribute ?? name, row],
  ]),
);

/** Turns `--memory-backed`, `--bs 4096` and `--no-discard` into words; other words stay.
 *  @throws UsageError for a flag without its value. */
export function flagsAsWords(argv: readonly string[]): string[] {
  const rest = argv.values();
  const words: string[] = [];
  for (const argument of rest) words.push(asWord(argument, rest));
  return words;
}

/** @param rest the words behind it: a flag that needs a value and has none takes it from there. */
function asWord(argument: string, rest: Iterator<string>): string {
  if (!argument.startsWith('--')) return argument;
  const { name: flag, value } = splitFlag(argument);
  const name = flag.slice(2).replaceAll('-', '_');
  const positive = name.replace(/^no_/, '');
  if (positive !== name && isBoolean(positive)) {
    if (value !== undefined) throw new UsageError(`${flag} takes no value`);
    return `${positive}=0`;
  }
  if (!byAttribute.has(name) && name !== 'image') return argument;
  const given = value ?? (isBoolean(name) ? '1' : rest.next().value);
  if (given === undefined) throw new UsageError(`${flag}: a value is missing`);
  return `${name}=${given}`;
}

/** A word as attribute and value. A parameter leads to its attribute: `bs` to `blocksize`, `gb` to `size`.
 *  @throws UsageError. */
export function attributeOf(word: string): readonly [name: string, value: string] {
  const [, name = word, value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
  if (value === undefined && !isBoolean(name)) {
    throw new UsageError(`'${shown(word)}' is not attribute=value`);
  }
  const text = value ?? '1';
  if (name === 'gb') return ['size', sizeOf(text)];
  return [attributeName(name), valueFromHere(name, text)];
}

/** The attribute that a parameter of another name leads to; any other name stays as it is. */
export function attributeName(name: string): string {
  return rows.get(name)?.attribute ?? name;
}

function isBoolean(name: string): boolean {
  return byAttribute.get(name)?.kind === 'boolean';
}

function sizeOf(gb: string): string {
  const value = parseInteger(gb);
  if (value === undefined) throw new UsageError(`gb=${shown(gb)}: must be an integer (GiB)`);
  return String(value * MIB_PER_GIB);
}
