/** Schemas at work: what comes in is refused in one sentence, what goes out wrong is our own bug.
 *  Compiled at first use: most daemons see few calls. */

import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { ErrnoError, shown } from '../config/errors.ts';
import { bug } from '../units.ts';
import { fileNames, unknownFile } from './attribute-names.ts';
import type { Schema } from './schemas.ts';

// The schemas are our own: the tests check them against the schema of schemas, a start need not.
const ours = { validateSchema: false, strict: true, allowUnionTypes: true } as const;
const strict = new Ajv(ours);
/** A query is text: its numbers are read as such. */
const coercing = new Ajv({ ...ours, coerceTypes: true });

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
    const rule = what ?? `${name === '' ? 'the query' : name} ${error?.message}`;
    return new ErrnoError('EINVAL', rule);
  }
  if (typeof extra === 'string') {
    return new ErrnoError('EINVAL', unknownFile(extra), shown(extra));
  }
  if (!fileNames.includes(name)) {
    return new ErrnoError('EINVAL', 'the body must be an object of attributes');
  }
  return new ErrnoError('EINVAL', `${name} must be a number, a boolean or text`, name);
}

/** @returns a check of `part` (body or querystring) that gives what is wrong, or true. */
export function incoming(schema: Schema, part: string): (data: unknown) => true | { error: Error } {
  const validate = compiled(part === 'body' ? strict : coercing, schema);
  return (data) => {
    const check = validate();
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
