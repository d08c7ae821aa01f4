/** The commands' side of the control API: one request over the daemon's socket, and its answer or one
 *  line that says why there is none. Source: control.md sections 1 and 3. */

import type { IncomingMessage } from 'node:http';
import { StartError, UsageError } from './usage-error.ts';

// An import would load everything that `node:http` exports; from Node 22 on that includes a client of 10 MiB.
const { request } = process.getBuiltinModule('node:http');

export interface Body {
  readonly type: 'application/json' | 'application/octet-stream' | 'application/x-ndjson';
  readonly bytes: string | Uint8Array;
}

/** The daemon answered with a refusal. */
export class Refused extends StartError {
  /** Undefined: the program that answered is not tnull. */
  readonly errno: string | undefined;

  constructor(message: string, errno: string | undefined) {
    super(message);
    this.errno = errno;
  }
}

export class ControlClient {
  readonly #find: () => string;
  #found: string | undefined;

  /** @param path or what finds it, at the first call: words that are wrong ask nobody. */
  constructor(path: string | (() => string)) {
    this.#find = typeof path === 'string' ? () => path : path;
  }

  get #path(): string {
    this.#found ??= this.#find();
    return this.#found;
  }

  /** What the daemon answers, as text. @throws StartError: no daemon, or its refusal. */
  async text(method: string, url: string, body?: Body): Promise<string> {
    const { status, text } = await this.#send(method, url, body);
    if (status < 400) return text;
    throw refusal(status, text);
  }

  /** The same for JSON. The daemon checks what it says against its schemas. */
  async json<T>(method: string, url: string, body?: Body): Promise<T> {
    return JSON.parse(await this.text(method, url, body)) as T; // see above
  }

  /** The answer as it comes, until it ends or the caller stops. @throws as `text`. */
  async *stream(url: string, ended: AbortSignal): AsyncGenerator<string> {
    const answer = await this.#answer('GET', url);
    const status = answer.statusCode ?? 0;
    const end = (): void => void answer.destroy();
    ended.addEventListener('abort', end);
    let refused = '';
    try {
      if (ended.aborted) return;
      answer.setEncoding('utf8');
      for await (const part of answer) {
        if (status < 400) yield String(part);
        else refused += String(part);
      }
    } catch (error) {
      if (ended.aborted || !(error instanceof Error)) return;
      throw new StartError(noAnswer(this.#path, error));
    } finally {
      ended.removeEventListener('abort', end);
      end();
    }
    if (status >= 400) throw refusal(status, refused);
  }

  /** The bytes of the answer as they come. @throws as `text`. */
  async *octets(url: string): AsyncGenerator<Uint8Array> {
    const answer = await this.#answer('GET', url);
    const status = answer.statusCode ?? 0;
    let refused = '';
    try {
      for await (const part of answer) {
        if (status < 400) yield part;
        else refused += String(part);
      }
    } catch (error) {
      throw error instanceof StartError || !(error instanceof Error)
        ? error
        : new StartError(noAnswer(this.#path, error));
    }
    if (status >= 400) throw refusal(status, refused);
  }

  #answer(method: string, url: string, body?: Body): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const length = body === undefined ? 0 : Buffer.byteLength(body.bytes);
      const headers = {
        host: 'localhost',
        connection: 'close',
        'content-length': length,
        ...(body === undefined ? {} : { 'content-type': body.type }),
      };
      const asked = request({ socketPath: this.#path, method, path: url, headers }, resolve);
      asked.on('error', (error) => reject(new StartError(noAnswer(this.#path, error))));
      asked.end(body?.bytes);
    });
  }

  async #send(
    method: string,
    url: string,
    body: Body | undefined,
  ): Promise<{ status: number; text: string }> {
    const answer = await this.#answer(method, url, body);
    try {
      const parts: Buffer[] = [];
      for await (const part of answer) parts.push(part);
      return { status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') };
    } catch (error) {
      throw error instanceof Error ? new StartError(noAnswer(this.#path, error)) : error;
    }
  }
}

function noAnswer(path: string, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return `no daemon at ${path} (--control PATH chooses another socket)`;
    case 'EACCES':
    case 'EPERM':
      return `the daemon at ${path} belongs to another user`;
    default:
      return `the daemon at ${path} does not answer: ${error.message}`;
  }
}

/** The API's sentence, with its errno for those who look for it. */
function refusal(status: number, text: string): Refused {
  try {
    const { errno, message } = JSON.parse(text);
    return new Refused(`${message} (${errno})`, String(errno));
  } catch {
    return new Refused(`the daemon answered with status ${status}`, undefined);
  }
}

/** A part of a path: a name may hold what a URL cannot. */
function part(name: string): string {
  return encodeURIComponent(name);
}

/** @throws UsageError for a name that would be no part of a path. */
export function devicePath(name: string): string {
  if (name === '') throw new UsageError('the NAME of the device is empty');
  return `/v1/devices/${part(name)}`;
}

export function attributePath(name: string, attribute: string): string {
  return `${devicePath(name)}/attributes/${part(attribute)}`;
}

/** @throws UsageError likewise. */
export function snapshotPath(name: string, snapshot: string): string {
  if (snapshot === '') throw new UsageError('the name SNAP of the snapshot is empty');
  return `${devicePath(name)}/snapshots/${part(snapshot)}`;
}
