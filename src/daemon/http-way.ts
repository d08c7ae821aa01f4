/** The control API and the page over TCP: by --http from the start on, or at the first `tnull page`. Knows who
 *  may come in and how. Source: control.md section 1 (--http); page.md section 2. */

import type { Server } from 'node:http';
import type { Logger } from 'pino';
import { ErrnoError } from '../config/errors.ts';
import { type Guard, localOnly, readOnly, tokenOnly } from '../control/access.ts';
import type { PageAccess } from '../control/handlers.ts';
import { PageFiles } from '../control/page-files.ts';
import { Tokens } from '../control/tokens.ts';
import { type ListenAddress, ListenError, listen } from '../server/listener.ts';

export type TcpAddress = Extract<ListenAddress, { kind: 'tcp' }>;

export interface HttpOptions {
  /** Undefined: `tnull page` starts it. */
  readonly http: TcpAddress | undefined;
  /** Undefined: programs of this machine need none. */
  readonly token: string | undefined;
  /** Nothing can be changed. */
  readonly readOnly: boolean;
}

/** Where `tnull page` starts it: for this machine alone, at a free port. */
const FREE_PORT: TcpAddress = { kind: 'tcp', host: '127.0.0.1', port: 0 };

export class HttpWay implements PageAccess {
  readonly #options: HttpOptions;
  readonly #make: (guard: Guard, page: PageFiles) => Server;
  readonly #log: Logger;
  readonly #tokens: Tokens;
  #starting: Promise<TcpAddress> | undefined;
  /** With its real port; undefined: it does not listen. */
  address: TcpAddress | undefined;

  constructor(options: HttpOptions, make: (guard: Guard, page: PageFiles) => Server, log: Logger) {
    this.#options = options;
    this.#make = make;
    this.#log = log;
    this.#tokens = new Tokens(options.token);
  }

  /** @throws ListenError. */
  async start(): Promise<void> {
    if (this.#options.http !== undefined) await this.#listening();
  }

  /** @throws ErrnoError EIO when HTTP does not listen yet and cannot. */
  async open(): Promise<string> {
    const { host, port } = await this.#listening().catch((error: unknown) => {
      throw error instanceof ListenError ? new ErrnoError('EIO', error.message) : error;
    });
    // A browser cannot go to every address, only to one.
    const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
    const url = `${httpUrl({ kind: 'tcp', host: reached, port })}/`;
    return this.#needsToken ? `${url}#token=${this.#tokens.oneTime()}` : url;
  }

  session(): string {
    return this.#tokens.session();
  }

  /** Who asked for HTTP without a token lets every user of this machine in; who did not has let nobody in. */
  get #needsToken(): boolean {
    return this.#options.http === undefined || this.#options.token !== undefined;
  }

  async #listening(): Promise<TcpAddress> {
    this.#starting ??= this.#listen();
    try {
      return await this.#starting;
    } catch (error) {
      this.#starting = undefined; // the next call may have more luck
      throw error;
    }
  }

  async #listen(): Promise<TcpAddress> {
    const { http = FREE_PORT, readOnly: mayOnlyRead } = this.#options;
    const guard = this.#needsToken ? tokenOnly(this.#tokens) : localOnly;
    const page = new PageFiles(mayOnlyRead);
    const server = this.#make(mayOnlyRead ? readOnly(guard) : guard, page);
    const bound = await listen(server, http, this.#log);
    this.address = bound.kind === 'tcp' ? bound : http;
    this.#log.info(
      `control API at ${httpUrl(this.address)}/v1, the page at ${httpUrl(this.address)}/`,
    );
    return this.address;
  }
}

export function httpUrl({ host, port }: TcpAddress): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
