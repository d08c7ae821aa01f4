/** Words as typed, resolved on a machine of four processors. */

import type { Machine } from '../../src/config/case.ts';
import { ParameterError } from '../../src/config/errors.ts';
import { type DeviceOptions, isParameter, rows } from '../../src/config/parameters.ts';
import { type Resolved, resolve, type Word } from '../../src/config/resolve.ts';

export const CPUS = 4;
export const MACHINE: Machine = { cpus: CPUS, nodes: [0] };

function word(text: string): Word {
  const at = text.indexOf('=');
  if (at < 0) return { name: text, value: undefined, as: text };
  return { name: text.slice(0, at), value: text.slice(at + 1), as: text };
}

export function resolved(...words: string[]): Resolved {
  return resolve(words.map(word), MACHINE);
}

export function options(...words: string[]): DeviceOptions {
  return resolved(...words).options;
}

/** The refusal of `words`, which must be one. */
export function refusal(...words: string[]): ParameterError {
  try {
    resolved(...words);
  } catch (error) {
    if (error instanceof ParameterError) return error;
    throw error;
  }
  throw new Error(`${words.join(' ')} was accepted`);
}

/** The rows that have a flag and a word. */
export const typed = [...rows].filter(([name]) => isParameter(name));
