/** The control API of a running daemon, over connections that are kept. */

import { once } from 'node:events';
import http from 'node:http';

export interface Answer {
  readonly status: number;
  /** `ok`, or the errno. */
  readonly r: string;
  readonly text: string;
}

export class Api {
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** Does anybody listen already? */
  async answers(): Promise<boolean> {
    try {
      return (await this.ask('GET', '')).r === 'ok';
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') return false;
      throw error;
    }
  }

  /** @throws when nobody answers, or the answer is neither success nor an errno. */
  async ask(method: string, path: string, body?: string | Uint8Array): Promise<Answer> {
    const type = typeof body === 'string' ? 'text/plain' : 'application/octet-stream';
    const headers =
      body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) };
    const request = http.request({
      agent: this.#agent,
      socketPath: this.#socketPath,
      method,
      path: `/v1${path}`,
      headers: { host: 'localhost', ...headers },
    });
    request.end(body);
    const [response]: http.IncomingMessage[] = await once(request, 'response');
    if (response === undefined) throw new Error('no answer');
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part);
    const text = Buffer.concat(parts).toString();
    const status = response.statusCode ?? 0;
    return { status, text, r: status < 300 ? 'ok' : errnoIn(text) };
  }

  json(text: string): Record<string, unknown> {
    return JSON.parse(text) as Record<string, unknown>; // every answer of the API is an object
  }

  close(): void {
    this.#agent.destroy();
  }
}

function errnoIn(text: string): string {
  const { errno } = JSON.parse(text) as { errno?: unknown }; // checked in the next line
  if (typeof errno !== 'string') throw new Error(`no errno in the answer: ${text}`);
  return errno;
}

/** The path of a device's file or call. */
export function deviceUrl(name: string, rest = ''): string {
  return `/devices/${encodeURIComponent(name)}${rest}`;
}
