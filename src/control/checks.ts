/** Schemas at work: wrong input is refused in one sentence, wrong output is our own bug. */

import { ErrnoError, shown } from '../config/errors.ts';
import { bug } from '../units.ts';
import { unknownFile } from './attribute-names.ts';
import { type Schema, type Wrong, wrongWith } from './schema.ts';

/** The only notation of a number in a query: ajv would also take 0x10, 1e999 and a blank. */
const DECIMAL = /^(0|[1-9]\d*)$/;

function refusal(part: string, schema: Schema, wrong: Wrong): ErrnoError {
  const { path, keyword, rule, extra } = wrong;
  const [name = ''] = path;
  if (part !== 'body') {
    if (extra !== undefined) return new ErrnoError('EINVAL', `unknown parameter '${shown(extra)}'`);
    const isText = schema.properties?.[name]?.type === 'string';
    const type = isText ? 'must be given once' : 'must be a decimal number';
    const must = keyword === 'type' ? type : rule;
    return new ErrnoError('EINVAL', `${name === '' ? 'the query' : name} ${must}`);
  }
  if (extra !== undefined) return new ErrnoError('EINVAL', unknownFile(extra), shown(extra));
  return new ErrnoError('EINVAL', `${name} must be a number, a boolean or text`, name);
}

/** A query is text. A value that must be a number and is none stays, and is refused. */
function readNumbers({ properties = {} }: Schema, query: unknown): void {
  if (typeof query !== 'object' || query === null) return;
  for (const [name, text] of Object.entries(query)) {
    if (properties[name]?.type === 'string') continue;
    if (typeof text === 'string' && DECIMAL.test(text)) Reflect.set(query, name, Number(text));
  }
}

/** @returns a check of `part` (body or querystring) that gives what is wrong, or true. */
export function incoming(schema: Schema, part: string): (data: unknown) => true | { error: Error } {
  return (data) => {
    // Fastify's value for no body at all. Other values that are no objects were refused before.
    if (part === 'body' && data === null) return true;
    if (part === 'querystring') readNumbers(schema, data);
    const found = wrongWith(schema, data);
    return found === undefined || { error: refusal(part, schema, found) };
  };
}

/** @returns a function that turns an answer into JSON, and throws when it breaks its schema. */
export function outgoing(schema: Schema): (data: unknown) => string {
  return (data) => {
    const found = wrongWith(schema, data);
    if (found === undefined) return JSON.stringify(data);
    const at = found.path.map((name) => `/${name}`).join('');
    return bug(`an answer is against its schema: ${at} ${found.rule}`);
  };
}
