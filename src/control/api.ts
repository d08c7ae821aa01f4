/** The control API: fastify over the table of calls. It does not listen itself; the owner of a socket hands
 *  requests over. Source: control.md section 3. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  fastify,
} from 'fastify';
import { shown } from '../config/errors.ts';
import { onePiece, type Work } from '../time/slicer.ts';
import { answerOf, HttpError } from './answers.ts';
import { receiveBody } from './body.ts';
import { type Call, EVENTS_TYPE, isJudged, LINES_TYPE } from './call.ts';
import { allCalls, type CallName, methodsOf } from './calls.ts';
import { incoming, outgoing } from './checks.ts';
import { type Facts, makeHandlers } from './handlers.ts';
import type { Handler, Input } from './input.ts';
import { limits } from './limits.ts';
import type { Schema } from './schema.ts';
import { errorAnswer } from './schemas.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The row that a route was made from; undefined for an unknown path. */
    call?: Call;
  }
}

export interface ApiOptions extends Facts {
  /** Is told about bugs. */
  readonly error: (error: unknown) => void;
}

/** Answers one request. @param isLocal it came by the unix socket: see Input. */
export type Api = (request: IncomingMessage, response: ServerResponse, isLocal: boolean) => void;

const JSON_TYPE = 'application/json';
/** What curl and others call bytes that nobody named. */
const RAW_TYPES = new Set(['', 'text/plain', 'application/octet-stream']);
const mediaTypes = {
  text: 'text/plain',
  octets: 'application/octet-stream',
  stream: 'application/octet-stream',
  lines: LINES_TYPE,
};
const FORM_TYPE = 'application/x-www-form-urlencoded';
const NO_BODY_BYTES = 1024;
/** Requests by the unix socket. The address of a socket does not tell: over TCP it has none after a reset. */
const local = new WeakSet<IncomingMessage>();
/** This finds a reader of a stream that vanished without a word. */
const KEEP_ALIVE_MS = 60_000;

/** Otherwise fastify would load compilers of its own. */
const compilersFactory = {
  buildValidator: () => (route: { schema: Schema; httpPart?: string }) => {
    return incoming(route.schema, route.httpPart ?? '');
  },
  buildSerializer: () => (route: { schema: Schema }) => outgoing(route.schema),
};
type SchemaController = NonNullable<FastifyServerOptions['schemaController']>;
type Compilers = NonNullable<SchemaController['compilersFactory']>;
// The type asks for ajv's pool; fastify calls only these functions of a route, as documented.
const compilers = compilersFactory as unknown as Compilers;

/** In slices of at most 4 ms each. */
export async function makeApi(options: ApiOptions): Promise<Api> {
  const { slicer } = options.tree;
  const { app } = await slicer.run(onePiece(() => ({ app: makeApp(options) }))); // it has a `then`
  await slicer.run(addRoutes(app, options));
  await app.ready();
  return (request, response, isLocal) => {
    if (isLocal) local.add(request);
    void slicer.run(onePiece(() => app.routing(request, response)));
  };
}

function makeApp(options: ApiOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    routerOptions: { maxParamLength: limits.headerBytes.max },
    schemaController: { compilersFactory: compilers },
    frameworkErrors: (error, _request, reply) => sendError(error, reply, options),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest, stream: NodeJS.ReadableStream) => {
    if (request.routeOptions.config.call?.body === 'stream') return streamOf(request, stream);
    return parseBody(request, await receiveBody(request, stream));
  });
  app.addHook('onSend', withoutStream);
  app.addHook('onSend', withLineEnd);
  app.addHook('onSend', withHeadersAtOnce);
  app.setErrorHandler((error, _request, reply) => sendError(error, reply, options));
  app.setNotFoundHandler((request, reply) => sendError(unknownCall(request), reply, options));
  return app;
}

/** For HEAD fastify would read a stream to its end: one that lasts has none, and that of a disk is far away. */
async function withoutStream(
  { method }: FastifyRequest,
  _: unknown,
  body: unknown,
): Promise<unknown> {
  if (method === 'HEAD' && body instanceof Readable) body.destroy();
  return body;
}

/** Who follows a log learns at once that it is followed: what comes from now on is told. */
async function withHeadersAtOnce({ routeOptions }: FastifyRequest, { raw }: FastifyReply) {
  if (routeOptions.config.call?.lasts !== true) return;
  // They are set when this hook has ended.
  setImmediate(() => {
    if (!raw.destroyed) raw.flushHeaders();
  });
}

/** People read answers in terminals. A stream has its line end already. */
async function withLineEnd(_request: unknown, _reply: unknown, body: unknown): Promise<unknown> {
  const isOpen = typeof body === 'string' && body !== '' && !body.endsWith('\n');
  return isOpen ? `${body}\n` : body;
}

function* addRoutes(app: FastifyInstance, options: ApiOptions): Work {
  const { slicer } = options.tree;
  const handlers = makeHandlers(options);
  for (const [key, call] of allCalls) {
    yield;
    const name = key as CallName; // allCalls walks the table whose keys these are
    const handle = handlers[name];
    // Bodies arrive later than their requests, and hundreds of both may arrive in one turn.
    addRoute(app, name, call, (input) => slicer.run(onePiece(() => handle(input))));
  }
}

function addRoute(app: FastifyInstance, name: CallName, call: Call, handle: Handler): void {
  const { answer, body, status } = call;
  app.route({
    method: call.method,
    url: call.path.replace(/\{(\w+)\}/g, ':$1'),
    bodyLimit: call.bodyMax ?? NO_BODY_BYTES,
    config: { call },
    schema: {
      querystring: call.query,
      ...(typeof body === 'object' && !isJudged(body) ? { body } : {}),
      response: {
        ...(typeof answer === 'object' ? { [status]: answer } : {}),
        '4xx': errorAnswer,
        '5xx': errorAnswer,
      },
    },
    ...(body === 'octets' || body === 'lines' ? { onRequest: countLong() } : {}),
    handler: async (request, reply) => {
      if (call.lasts === true) request.raw.socket.setTimeout(0).setKeepAlive(true, KEEP_ALIVE_MS);
      const result = await handle(inputOf(request));
      reply.code(status);
      if (status === 204) return await reply.send();
      if (answer === 'events') reply.header('cache-control', 'no-store');
      return await reply.type(contentType(name, answer)).send(result);
    },
  });
}

const OCTETS_TYPE = 'application/octet-stream';

function contentType(name: CallName, answer: Call['answer']): string {
  if (name === 'metrics') return 'text/plain; version=0.0.4; charset=utf-8';
  if (answer === 'lines') return LINES_TYPE;
  if (answer === 'events') return EVENTS_TYPE;
  if (answer === 'octets') return OCTETS_TYPE;
  return answer === 'text' ? 'text/plain; charset=utf-8' : `${JSON_TYPE}; charset=utf-8`;
}

/** Fastify's types do not know the schemas that checked these. */
function inputOf({ params, query, body, raw }: FastifyRequest): Input {
  const lastEventId = raw.headers['last-event-id'];
  const given = Object.entries(query ?? {});
  return {
    params: params as Input['params'], // parts of the path are text
    query: Object.fromEntries(given.filter(([, value]) => typeof value === 'number')),
    texts: Object.fromEntries(given.filter(([, value]) => typeof value === 'string')),
    body,
    lastEventId: typeof lastEventId === 'string' ? lastEventId : undefined,
    isLocal: local.has(raw),
  };
}

/** Bodies are kept whole: only a limited number of long ones at a time. */
function countLong(): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  let atOnce = 0;
  return async (_request, reply) => {
    const { max } = limits.appendsAtOnce;
    if (atOnce >= max) throw new HttpError(409, 'EBUSY', `${max} such calls are under way already`);
    atOnce++;
    reply.raw.once('close', () => atOnce--);
  };
}

/** What its handler reads as it comes. */
function streamOf(request: FastifyRequest, stream: NodeJS.ReadableStream): NodeJS.ReadableStream {
  const [type = ''] = (request.headers['content-type'] ?? '').toLowerCase().split(';');
  if (RAW_TYPES.has(type.trim()) || type.trim() === FORM_TYPE) return stream;
  const rule = `the body must be ${mediaTypes.stream}, not '${shown(type.trim())}'`;
  throw new HttpError(415, 'EINVAL', rule);
}

function parseBody(request: FastifyRequest, pieces: readonly Uint8Array[]): unknown {
  const { call } = request.routeOptions.config;
  const [type = ''] = (request.headers['content-type'] ?? '').toLowerCase().split(';');
  const media = type.trim();
  if (call?.body === undefined) return undefined;
  if (typeof call.body !== 'object') {
    if (call.body === 'lines' && media === LINES_TYPE) return pieces;
    // The type that `curl -d` gives a body: it has no other meaning here.
    if (RAW_TYPES.has(media) || media === FORM_TYPE) {
      return call.body === 'text' ? Buffer.concat(pieces) : pieces;
    }
    const fine = mediaTypes[call.body];
    throw new HttpError(415, 'EINVAL', `the body must be ${fine}, not '${shown(media)}'`);
  }
  const isJson = media === JSON_TYPE;
  if (isJson && isJudged(call.body))
    return pieces.length > 0 ? parseJson(Buffer.concat(pieces)) : undefined;
  if (isJson) return attributesIn(parseJson(Buffer.concat(pieces)));
  throw new HttpError(415, 'EINVAL', `the body must be ${JSON_TYPE}, not '${shown(media)}'`);
}

function parseJson(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HttpError(400, 'EINVAL', `the body is not JSON: ${shown(reason)}`);
  }
}

/** `{ "attributes": { ... } }` means its content: no attribute has that name. */
function attributesIn(body: unknown): object {
  const isWrapper = isObject(body) && 'attributes' in body && Object.keys(body).length === 1;
  const attributes = isWrapper ? body.attributes : body;
  if (isObject(attributes)) return attributes;
  const rule = `the body must be an object of attributes, not ${kindOf(attributes)}`;
  throw new HttpError(400, 'EINVAL', rule);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'string' ? 'a text' : `a ${typeof value}`;
}

function unknownCall({ method, url }: FastifyRequest): HttpError {
  const [path = ''] = url.split('?');
  const methods = methodsOf(path);
  if (methods.length === 0) return new HttpError(404, 'ENOENT', `there is no '${shown(path)}'`);
  const known = methods.join(', ');
  return new HttpError(405, 'EOPNOTSUPP', `${method} of '${shown(path)}': it knows ${known}`);
}

const errorJson = outgoing(errorAnswer);

function sendError(error: unknown, reply: FastifyReply, options: ApiOptions): void {
  const { status, body, bug } = answerOf(error);
  if (bug) options.error(error);
  if (status === 405 && error instanceof HttpError) {
    const [path = ''] = reply.request.url.split('?');
    reply.header('allow', methodsOf(path).join(', '));
  }
  // As text: hooks do not run for errors of the router.
  reply
    .code(status)
    .type(`${JSON_TYPE}; charset=utf-8`)
    .send(`${errorJson(body)}\n`);
}
