/** The attributes of a device as in a folder of the control tree, on a machine of four processors. */

import {
  Attributes,
  isAttributeName,
  isStored,
  type PowerOn,
} from '../../src/config/attributes.ts';
import type { Machine } from '../../src/config/case.ts';
import { ErrnoError } from '../../src/config/errors.ts';
import { MACHINE, resolved } from './words.ts';

export interface Beginning {
  /** Parameters that the program was started with. */
  readonly words?: readonly string[];
  readonly machine?: Machine;
}

export function directory({ words = [], machine = MACHINE }: Beginning = {}): Attributes {
  return new Attributes('d', resolved(...words).start, machine);
}

/** Writes as a user does: judged first, then kept. */
export function write(to: Attributes, attribute: string, text: string, powered = false): void {
  if (!isAttributeName(attribute) || attribute === 'badblocks') throw new Error(attribute);
  const value = to.parse(attribute, text);
  to.check(attribute, value, powered);
  if (isStored(attribute)) to.set(attribute, value);
}

/** A directory with `sets`, each `attribute=value`, written while off. */
export function withSets(sets: string, beginning?: Beginning): Attributes {
  const made = directory(beginning);
  for (const set of sets.split(' ').filter(Boolean)) {
    const [attribute = '', value = ''] = set.split('=');
    write(made, attribute, value);
  }
  return made;
}

/** What power on would adjust, as text by name. */
export function adjustedBy({ adjusted }: PowerOn): Record<string, string> {
  return Object.fromEntries([...adjusted].map(([name, value]) => [name, `${BigInt(value)}`]));
}

/** The errno error of `act`, which must be one. */
export function refusedBy(act: () => unknown): ErrnoError {
  try {
    act();
  } catch (error) {
    if (error instanceof ErrnoError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}
