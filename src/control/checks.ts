/** Schemas at work: what comes in is refused in one sentence, what goes out wrong is our own bug.
 *  Compiled at first use: most daemons see few calls. */

import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { ErrnoError, shown } from '../config/errors.ts';
import { bug } from '../units.ts';
import { unknownFile } from './attribute-names.ts';
import type { Schema } from './schemas.ts';

// The schemas are our own: the tests check them against the schema of schemas, a start need not.
const ours = { validateSchema: false, strict: true, allowUnionTypes: true } as const;
const strict = new Ajv(ours);
/** The only way to write a number in a query: ajv's own reading takes 0x10, 1e999 and a blank, too. */
const DECIMAL = /^(0|[1-9]\d*)$/;

function compiled(ajv: Ajv, schema: Schema): () => ValidateFunction {
  let validate: ValidateFunction | undefined;
  return () => {
    validate ??= ajv.compile(schema);
    return validate;
  };
}

/** What is wrong with what came in. */
function refusal(part: string, error: ErrorObject | undefined): ErrnoError {
  const [, raw = ''] = error?.instancePath.split('/') ?? [];
  const name = raw.replaceAll('~1', '/').replaceAll('~0', '~');
  const extra: unknown = error?.params['additionalProperty'];
  if (part !== 'body') {
    const what = typeof extra === 'string' ? `unknown parameter '${shown(extra)}'` : undefined;
    const must = error?.keyword === 'type' ? 'must be a decimal number' : error?.message;
    const rule = what ?? `${name === '' ? 'the query' : name} ${must}`;
    return new ErrnoError('EINVAL', rule);
  }
  if (typeof extra === 'string') {
    return new ErrnoError('EINVAL', unknownFile(extra), shown(extra));
  }
  return new ErrnoError('EINVAL', `${name} must be a number, a boolean or text`, name);
}

/** A query is text; every parameter that there is is a number. What is none stays, and is refused. */
function readNumbers(query: unknown): void {
  if (typeof query !== 'object' || query === null) return;
  for (const [name, text] of Object.entries(query)) {
    if (typeof text === 'string' && DECIMAL.test(text)) Reflect.set(query, name, Number(text));
  }
}

/** @returns a check of `part` (body or querystring) that gives what is wrong, or true. */
export function incoming(schema: Schema, part: string): (data: unknown) => true | { error: Error } {
  const validate = compiled(strict, schema);
  return (data) => {
    // Fastify's word for no body at all. One that is no object has been refused before.
    if (part === 'body' && data === null) return true;
    const check = validate();
    if (part === 'querystring') readNumbers(data);
    return check(data) || { error: refusal(part, check.errors?.[0]) };
  };
}

/** @returns what turns an answer into JSON, and throws when it is not as promised. */
export function outgoing(schema: Schema): (data: unknown) => string {
  const validate = compiled(strict, schema);
  return (data) => {
    const check = validate();
    if (check(data)) return JSON.stringify(data);
    const [error] = check.errors ?? [];
    return bug(`an answer is against its schema: ${error?.instancePath} ${error?.message}`);
  };
}
