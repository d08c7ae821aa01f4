/** The version of the program, as its package says. */

import { readFileSync } from 'node:fs';

export function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const facts: unknown = JSON.parse(text);
  if (typeof facts !== 'object' || facts === null || !('version' in facts)) return 'unknown';
  return String(facts.version);
}
