/** Paths among parameters and attributes, as they are typed: from the folder of the user, which the server may not
 *  have. */

import { resolve as resolvePath } from 'node:path';
import { rows } from '../config/parameters.ts';
import type { Word } from '../config/resolve.ts';

/** @param name of a parameter or an attribute. */
export function valueFromHere(name: string, value: string): string {
  const isOne = rows.get(name)?.kind === 'path';
  return isOne && value !== '' ? resolvePath(value) : value;
}

export function wordsFromHere(words: readonly Word[]): Word[] {
  return words.map(({ name, value, as }) => ({
    ...{ name, as },
    value: value === undefined ? undefined : valueFromHere(name, value),
  }));
}
