/** One request over a unix socket or a port, and its answer; and raw bytes that are not HTTP. */

import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

export interface Target {
  readonly socketPath?: string;
  readonly port?: number;
}

export interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Sent as it is, with its type. */
  readonly json?: unknown;
}

export interface Answered {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  readonly body: Buffer;
  /** Undefined where the answer is not JSON. */
  readonly json: unknown;
}

export async function ask(
  target: Target,
  method: string,
  path: string,
  { headers = {}, body, json }: Asked = {},
): Promise<Answered> {
  const content = json === undefined ? body : JSON.stringify(json);
  const type = json === undefined ? {} : { 'content-type': 'application/json' };
  const length = content === undefined ? {} : { 'content-length': Buffer.byteLength(content) };
  const all = { host: 'localhost', connection: 'close', ...type, ...length, ...headers };
  const request = http.request({ ...target, method, path, headers: all });
  // A server that refuses early does not read the rest.
  request.on('error', () => {});
  request.end(content);
  const [response]: http.IncomingMessage[] = await once(request, 'response');
  if (response === undefined) throw new Error('no answer');
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part);
  const whole = Buffer.concat(parts);
  const isBinary = response.headers['content-type'] === 'application/octet-stream';
  const text = isBinary ? '' : whole.toString();
  // People read answers in terminals.
  if (text !== '' && !text.endsWith('\n'))
    throw new Error(`no line end behind: ${text.slice(0, 80)}`);
  const isJson = /^application\/json/.test(response.headers['content-type'] ?? '') && text !== '';
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    body: whole,
    json: isJson ? JSON.parse(text) : undefined,
  };
}

/** Everything that comes back for `bytes` until the server hangs up. */
export async function raw(path: string, bytes: string): Promise<string> {
  const socket = net.connect({ path });
  let text = '';
  socket.on('data', (data) => {
    text += data;
  });
  socket.on('error', () => {});
  // Ours ends: what is cut short stays so.
  socket.end(bytes);
  await new Promise((resolve) => socket.once('close', resolve));
  return text;
}
