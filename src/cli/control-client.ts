/** The commands' side of the control API: one request over the daemon's socket, and its answer or one
 *  line that says why there is none. Source: control.md sections 1 and 3. */

import { type Body, Connection, ControlError, UnreachableError } from '../client/connection.ts';
import { StartError, UsageError } from './usage-error.ts';

export type { Body } from '../client/connection.ts';

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
  #found: Connection | undefined;

  /** @param path or what finds it, at the first call: words that are wrong ask nobody. */
  constructor(path: string | (() => string)) {
    this.#find = typeof path === 'string' ? () => path : path;
  }

  /** Of the daemon's socket. @throws StartError: it cannot be told. */
  get path(): string {
    return this.#connection.path;
  }

  get #connection(): Connection {
    this.#found ??= new Connection(this.#find());
    return this.#found;
  }

  /** What the daemon answers, as text. @throws StartError: no daemon, or its refusal. */
  async text(method: string, url: string, body?: Body): Promise<string> {
    try {
      return await this.#connection.text(method, url, body);
    } catch (error) {
      throw inOneLine(error);
    }
  }

  /** The same for JSON. The daemon checks what it says against its schemas. */
  async json<T>(method: string, url: string, body?: Body): Promise<T> {
    return JSON.parse(await this.text(method, url, body)) as T; // see above
  }

  /** The answer as it comes, until it ends or the caller stops. @throws as `text`. */
  async *stream(url: string, ended: AbortSignal): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    for await (const part of this.octets(url, ended)) yield decoder.decode(part, { stream: true });
  }

  /** The bytes of the answer as they come. @throws as `text`. */
  async *octets(url: string, ended?: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#connection.octets(url, ended);
    } catch (error) {
      throw inOneLine(error);
    }
  }
}

function inOneLine(error: unknown): unknown {
  if (error instanceof UnreachableError) return new StartError(noAnswer(error));
  if (!(error instanceof ControlError)) return error;
  const { errno, message } = error;
  // The errno is for those who look for it.
  return new Refused(errno === undefined ? message : `${message} (${errno})`, errno);
}

function noAnswer({ path, code, cause }: UnreachableError): string {
  switch (code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return `no daemon at ${path} (--control PATH chooses another socket)`;
    case 'EACCES':
    case 'EPERM':
      return `the daemon at ${path} belongs to another user`;
    default:
      return `the daemon at ${path} does not answer: ${cause instanceof Error ? cause.message : ''}`;
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
