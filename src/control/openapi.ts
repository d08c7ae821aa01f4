/** The OpenAPI document, from the table of calls. Knows nothing of handlers. */

import { allCalls, type Call } from './calls.ts';
import { errorAnswer, type Schema } from './schemas.ts';

interface QuerySchema {
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

function queryParameters(call: Call): Schema[] {
  const { properties = {}, required = [] }: QuerySchema = call.query;
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

function pathParameters(call: Call): Schema[] {
  return [...call.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function content(body: NonNullable<Call['body'] | Call['answer']>): Schema {
  if (body === 'text') return { 'text/plain': { schema: { type: 'string' } } };
  if (body === 'octets') return { 'application/octet-stream': {} };
  return { 'application/json': { schema: body } };
}

function operation(operationId: string, call: Call): Schema {
  const answer = call.answer === undefined ? {} : { content: content(call.answer) };
  const error = { description: 'An errno and a sentence', content: content(errorAnswer) };
  return {
    operationId,
    summary: call.summary,
    parameters: [...pathParameters(call), ...queryParameters(call)],
    ...(call.body === undefined ? {} : { requestBody: { content: content(call.body) } }),
    responses: {
      [call.status]: { description: call.summary, ...answer },
      '4XX': error,
      '5XX': error,
    },
  };
}

/** OpenAPI 3.1, whose schemas are JSON schemas as ours are. */
export function openApi(version: string): Schema {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const [name, call] of allCalls) {
    paths[call.path] ??= {};
    Object.assign(paths[call.path] ?? {}, { [call.method.toLowerCase()]: operation(name, call) });
  }
  return { openapi: '3.1.0', info: { title: 'tnull control API', version }, paths };
}
