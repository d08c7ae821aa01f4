/** One call of the API: what goes in, what comes out, and what the document says of it. */

import type { Schema } from './schema.ts';

/** JSON that its handler checks, with better messages than a schema's; the schema is for the document. */
export interface JudgedBody {
  readonly judged: Readonly<Record<string, unknown>>;
}

export interface Call {
  readonly method: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE';
  /** With `{parameters}`. */
  readonly path: string;
  readonly summary: string;
  readonly query: Schema;
  /** A schema: JSON. Octets, text and lines of JSON are taken as they arrive; a stream
   *  is octets that its handler reads. */
  readonly body?: Schema | JudgedBody | 'octets' | 'stream' | 'text' | 'lines';
  /** The longest body, in bytes. */
  readonly bodyMax?: number;
  /** The answer to a success; without a schema it is not JSON. */
  readonly status: 200 | 201 | 204;
  readonly answer?: Schema | 'text' | 'lines' | 'octets' | 'events';
  /** Of lines: what each of them is. */
  readonly line?: Schema;
  /** Of events: the data of each type. */
  readonly events?: readonly Schema[];
  /** The answer may go on as long as somebody reads it, with long silences. */
  readonly lasts?: true;
}

export function isJudged(body: Call['body']): body is JudgedBody {
  return typeof body === 'object' && 'judged' in body;
}

/** The content type of server-sent events. */
export const EVENTS_TYPE = 'text/event-stream';

/** The content type of lines of JSON. */
export const LINES_TYPE = 'application/x-ndjson';
