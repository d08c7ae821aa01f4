/** One request to the control socket of a daemon, and its answer or the error that it is.
 *  Source: docs/control.md. */

import type { IncomingMessage, RequestOptions } from 'node:http';

// An import would load everything that `node:http` exports; from Node 22 on that includes a client of 10 MiB.
const { request } = process.getBuiltinModule('node:http');

export interface Body {
  readonly type:
    | 'application/json'
    | 'application/octet-stream'
    | 'application/x-ndjson'
    | 'text/plain';
  readonly bytes: string | Uint8Array | AsyncIterable<Uint8Array>;
}

/** The daemon refused a call. Its message is the daemon's sentence. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  /** Such as `EBUSY`; undefined: the program that answered is not tnull. */
  readonly errno: string | undefined;
  /** What was wrong of many, such as `size`. */
  readonly attribute: string | undefined;
  /** Of HTTP. */
  readonly status: number;

  constructor(message: string, status: number, errno?: string, attribute?: string) {
    super(message);
    this.status = status;
    this.errno = errno;
    this.attribute = attribute;
  }
}

/** Nobody answers at a control socket. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
  /** The socket. */
  readonly path: string;
  /** Node's, such as `ECONNREFUSED`. */
  readonly code: string | undefined;

  constructor(path: string, cause: NodeJS.ErrnoException) {
    super(`no daemon answers at ${path}: ${cause.message}`, { cause });
    this.path = path;
    this.code = cause.code;
  }
}

export class Connection {
  readonly path: string;

  /** @param path of the control socket. */
  constructor(path: string) {
    this.path = path;
  }

  /** The answer as text. @throws ControlError, UnreachableError. */
  async text(method: string, url: string, body?: Body, signal?: AbortSignal): Promise<string> {
    const answer = await this.#answer(method, url, body, signal);
    const text = await this.#rest(answer, signal);
    const status = answer.statusCode ?? 0;
    if (status < 400) return text;
    throw refusal(status, text);
  }

  /** The octets of the answer as they come; they end early when `signal` is aborted. @throws as `text`. */
  async *octets(url: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    if (isOver(signal)) return;
    let answer: IncomingMessage | undefined;
    try {
      answer = await this.#answer('GET', url, undefined, signal);
      const status = answer.statusCode ?? 0;
      if (status >= 400) throw refusal(status, await this.#rest(answer, signal));
      for await (const part of answer) yield part;
    } catch (error) {
      if (isOver(signal)) return;
      throw this.#said(error);
    } finally {
      answer?.destroy();
    }
  }

  async #rest(answer: IncomingMessage, signal: AbortSignal | undefined): Promise<string> {
    try {
      const parts: Uint8Array[] = [];
      for await (const part of answer) parts.push(part);
      return Buffer.concat(parts).toString('utf8');
    } catch (error) {
      throw isOver(signal) ? signal?.reason : this.#said(error);
    }
  }

  #answer(
    method: string,
    path: string,
    body: Body | undefined,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage> {
    const whole = body === undefined || isWhole(body.bytes);
    const headers = {
      host: 'localhost',
      connection: 'close',
      ...(whole ? { 'content-length': lengthOf(body?.bytes) } : {}),
      ...(body === undefined ? {} : { 'content-type': body.type }),
    };
    const options: RequestOptions = { socketPath: this.path, method, path, headers };
    if (signal !== undefined) options.signal = signal;
    return new Promise((resolve, reject) => {
      const asked = request(options, resolve);
      asked.on('error', (error) => {
        reject(isOver(signal) ? signal?.reason : this.#said(error));
      });
      if (body === undefined) asked.end();
      else if (isWhole(body.bytes)) asked.end(body.bytes);
      else {
        sendParts(asked, body.bytes).catch((error: unknown) => {
          // Of who gives the parts, not of the connection.
          reject(error);
          asked.destroy();
        });
      }
    });
  }

  #said(error: unknown): unknown {
    if (!(error instanceof Error) || error instanceof ControlError) return error;
    return error instanceof UnreachableError ? error : new UnreachableError(this.path, error);
  }
}

/** It changes while somebody waits, which the compiler does not see. */
function isOver(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** A refusal may come before all of it was sent: then the rest stays here. */
async function sendParts(
  asked: NodeJS.WritableStream & { readonly writable: boolean },
  parts: AsyncIterable<Uint8Array>,
): Promise<void> {
  for await (const part of parts) {
    if (!asked.writable) return;
    if (!asked.write(part)) await drained(asked);
  }
  asked.end();
}

function drained(asked: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      asked.off('drain', over);
      asked.off('close', over);
      resolve();
    };
    asked.on('drain', over);
    asked.on('close', over);
  });
}

function isWhole(bytes: Body['bytes']): bytes is string | Uint8Array {
  return typeof bytes === 'string' || bytes instanceof Uint8Array;
}

function lengthOf(bytes: Body['bytes'] | undefined): number {
  return bytes === undefined || !isWhole(bytes) ? 0 : Buffer.byteLength(bytes);
}

function refusal(status: number, text: string): ControlError {
  try {
    const { errno, message, attribute } = JSON.parse(text);
    return new ControlError(String(message), status, String(errno), attribute);
  } catch {
    return new ControlError(`the daemon answered with status ${status}`, status);
  }
}
