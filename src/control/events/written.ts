/** What was written into attributes, as an event tells it. Source: page.md section 4. */

import type { Facts } from './happened.ts';

/** Ranges of bad blocks may be as long as a body. */
const VALUE_CHARS_MAX = 256;

/** @returns undefined: nothing but power, which has an event of its own. */
export function written(texts: ReadonlyMap<string, string>): Facts | undefined {
  const values = [...texts].filter(([name]) => name !== 'power');
  if (values.length === 0) return undefined;
  return { attributes: Object.fromEntries(values.map(([name, text]) => [name, shortened(text)])) };
}

function shortened(text: string): string {
  const line = text.trim();
  return line.length > VALUE_CHARS_MAX ? `${line.slice(0, VALUE_CHARS_MAX)}...` : line;
}
