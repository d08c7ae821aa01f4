/** The HTTP server in front of the API: limits, access, and errors below HTTP. It loads the API at the first
 *  request, because that takes longer than the whole start. */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Guard } from './access.ts';
import { type ErrorBody, HttpError } from './answers.ts';
import type { Api } from './api.ts';
import { Connections } from './connections.ts';
import { limits } from './limits.ts';
import type { PageFiles } from './page-files.ts';

// An import would load everything that `node:http` exports; from Node 22 on that includes a client of 10 MiB.
const { createServer } = process.getBuiltinModule('node:http');

export interface HttpOptions {
  readonly load: () => Promise<Api>;
  readonly guard: Guard;
  /** It listens at the unix socket. */
  readonly isLocal: boolean;
  /** Undefined: it serves the API alone. */
  readonly page?: PageFiles | undefined;
  readonly error: (error: unknown) => void;
}

export function makeHttpServer({ load, guard, isLocal, page, error }: HttpOptions): Server {
  const server = createServer({
    maxHeaderSize: limits.headerBytes.max,
    headersTimeout: limits.headerTimeMs.max,
    requestTimeout: limits.requestTimeMs.max,
  });
  server.timeout = limits.idleTimeMs.max;
  const connections = new Connections(limits.connections.max);
  server.on('connection', (socket: Socket) => connections.add(socket));
  server.on('request', (request, response) => {
    toOriginForm(request);
    connections.begins(request.socket);
    response.once('close', () => connections.ended(request.socket));
    const refusal = guard(request) ?? (connections.tooMany ? tooMany : undefined);
    if (refusal !== undefined) {
      refuse(response, refusal);
      return;
    }
    const failed = (reason: unknown): void => {
      error(reason);
      refuse(response, new HttpError(500, 'EIO', "it could not be loaded: see tnull's log"));
    };
    try {
      if (page?.answer(request, response)) return;
    } catch (reason) {
      failed(reason);
      return;
    }
    load().then((api) => api(request, response, isLocal), failed);
  });
  server.on('clientError', (reason: NodeJS.ErrnoException, socket: Socket) => {
    const { status, errno, message } = belowHttp(reason);
    if (reason.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    else socket.end(answerText(status, { errno, message }));
  });
  return server;
}

/** A whole URL, as proxies send it (RFC 9112, absolute-form), becomes a path. Its host counts, whatever the header
 *  says. */
function toOriginForm(request: IncomingMessage): void {
  const [, host, path = ''] = /^https?:\/\/([^/?#]+)(.*)$/i.exec(request.url ?? '') ?? [];
  if (host === undefined) return;
  request.headers.host = host;
  request.url = path.startsWith('/') ? path : `/${path}`;
}

const tooMany = new HttpError(
  503,
  'EBUSY',
  `more than ${limits.connections.max} connections: try again`,
);

function refuse(response: ServerResponse<IncomingMessage>, refusal: HttpError): void {
  const { status, errno, message } = refusal;
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    // The rest of the body is not read.
    connection: 'close',
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  };
  response.writeHead(status, headers).end(`${JSON.stringify({ errno, message })}\n`);
}

/** A request that the HTTP parser gave up on. */
function belowHttp({ code }: NodeJS.ErrnoException): HttpError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new HttpError(431, 'E2BIG', `the headers exceed ${limits.headerBytes.max} bytes`);
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new HttpError(408, 'ETIMEDOUT', 'the request took too long to arrive');
    default:
      return new HttpError(400, 'EINVAL', 'this is not HTTP/1.1');
  }
}

function answerText(status: number, body: ErrorBody): string {
  const text = `${JSON.stringify(body)}\n`;
  const head = [
    `HTTP/1.1 ${status} refused`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${text}`;
}
