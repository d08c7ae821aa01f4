/** The OpenAPI document, from the table of calls. Knows nothing of handlers. */

import { type Call, EVENTS_TYPE, isJudged, LINES_TYPE } from './call.ts';
import { allCalls } from './calls.ts';
import type { Schema } from './schema.ts';
import { errorAnswer } from './schemas.ts';

type Json = Readonly<Record<string, unknown>>;

function queryParameters(call: Call): Json[] {
  const { properties = {}, required = [] } = call.query;
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

function pathParameters(call: Call): Json[] {
  return [...call.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

/** @param line of lines: what each of them is. */
function content(body: NonNullable<Call['body'] | Call['answer']>, line?: Schema): Json {
  if (body === 'text') return { 'text/plain': { schema: { type: 'string' } } };
  if (body === 'octets' || body === 'stream') return { 'application/octet-stream': {} };
  if (body === 'lines') return { [LINES_TYPE]: line === undefined ? {} : { schema: line } };
  if (body === 'events') return { [EVENTS_TYPE]: {} };
  return { 'application/json': { schema: isJudged(body) ? body.judged : body } };
}

/** Of events the schema is that of the data of each. */
function answerContent({ events, line }: Call, answer: NonNullable<Call['answer']>): Json {
  if (events === undefined) return content(answer, line);
  const schema = { anyOf: events, description: 'The data of each event' };
  return { [EVENTS_TYPE]: { schema } };
}

function operation(operationId: string, call: Call): Json {
  const answer = call.answer === undefined ? {} : { content: answerContent(call, call.answer) };
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
export function openApi(version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [name, call] of allCalls) {
    paths[call.path] ??= {};
    Object.assign(paths[call.path] ?? {}, { [call.method.toLowerCase()]: operation(name, call) });
  }
  return { openapi: '3.1.0', info: { title: 'tnull control API', version }, paths };
}
