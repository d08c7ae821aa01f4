/** The JSON header of a journal: text to values and back, each judged by its rule. */

import { MiB, SECTOR_BYTES } from '../units.ts';
import { JournalError, type JournalHeader } from './format.ts';

/** No request carries more, and blocks are compared whole in memory. */
const BLOCK_BYTES_MAX = 64 * MiB;

/** What a header does not say. A cache that may be there is the careful guess. */
const defaults = { block: 512, cache: true, fua: true, multiConnection: false, seed: 0, name: '' };

/** @throws JournalError in one line. */
export function parseHeader(text: string): JournalHeader {
  const fields = fieldsOf(text);
  const size = wholeNumber(fields, 'size', undefined);
  const block = wholeNumber(fields, 'block', defaults.block);
  // Less than a block is never written in parts, as a device says with 0.
  const atomic = Math.max(wholeNumber(fields, 'atomic', block), block);
  if (block < SECTOR_BYTES || block > BLOCK_BYTES_MAX || !isPowerOfTwo(block)) {
    throw new JournalError(`header: block=${block}: must be a power of two from 512 to 67108864`);
  }
  if (atomic % block !== 0) {
    throw new JournalError(`header: atomic=${atomic}: must be a multiple of block`);
  }
  return {
    ...{ size, block, atomic },
    cache: truth(fields, 'cache', defaults.cache),
    fua: truth(fields, 'fua', defaults.fua),
    multiConnection: truth(fields, 'multiConnection', defaults.multiConnection),
    seed: seedOf(fields),
    name: String(fields.get('name') ?? defaults.name),
  };
}

export function headerText(header: JournalHeader): string {
  const { size, block, cache, fua, atomic, multiConnection, seed, name } = header;
  return JSON.stringify({ size, block, cache, fua, atomic, multiConnection, seed, name });
}

function fieldsOf(text: string): Map<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return new Map(Object.entries(value));
    }
  } catch {
    // It is said below.
  }
  throw new JournalError('header: must be a JSON object');
}

function wholeNumber(fields: Map<string, unknown>, name: string, missing?: number): number {
  const value = fields.get(name) ?? missing;
  if (value === undefined) throw new JournalError(`header: ${name} is missing`);
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new JournalError(`header: ${name}: must be a whole number below 2^53`);
}

function seedOf(fields: Map<string, unknown>): number | string {
  const value = fields.get('seed') ?? defaults.seed;
  if (typeof value === 'number' || typeof value === 'string') return value;
  throw new JournalError('header: seed: must be a number or a text');
}

function truth(fields: Map<string, unknown>, name: string, missing: boolean): boolean {
  const value = fields.get(name) ?? missing;
  if (value === true || value === 1) return true;
  if (value === false || value === 0) return false;
  throw new JournalError(`header: ${name}: must be true or false`);
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}
