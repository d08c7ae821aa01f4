/** The control API on its sockets: where it listens, who may reach it, and its end. The API itself is
 *  loaded at the first request. Source: control.md sections 1 and 3. */

import { chmodSync } from 'node:fs';
import type { Server } from 'node:http';
import type { Logger } from 'pino';
import { systemText } from '../config/errors.ts';
import type { Facts } from '../control/handlers.ts';
import { makeHttpServer, type HttpOptions as ServerOptions } from '../control/http-server.ts';
import { lazyApi } from '../control/load.ts';
import type { Tree } from '../control/tree.ts';
import type { DataMemory } from '../pages/memory.ts';
import { AcceptFaults } from '../server/accept-faults.ts';
import { InUseError, ListenError, listen, stopListening } from '../server/listener.ts';
import { systemScheduler } from '../time/clock.ts';
import { defaultPlace, makeFolder, secondSocket } from './control-path.ts';
import { type HttpOptions, HttpWay, httpUrl, type TcpAddress } from './http-way.ts';
import { tokenIn } from './token.ts';

export { httpUrl };

/** Of a unix socket. */
interface Place {
  readonly path: string;
  /** In a folder that no other process knows: it needs no lock. */
  readonly isPrivate?: true;
  /** Where it is taken, the usual place does: the daemon that started us may have told us of its own. */
  readonly mayBeTaken?: true;
}

/** What a user asks for. */
export interface ControlOptions {
  /** `default`: the path where commands look by themselves. */
  readonly socket: 'default' | 'none' | Place;
  readonly http: TcpAddress | undefined;
  /** Required when other machines can reach `http`. */
  readonly tokenFile: string | undefined;
  /** The token itself, in place of a file. */
  readonly token?: string;
  /** Over TCP nothing can be changed. */
  readonly readOnly?: boolean;
}

export interface ControlContext extends Omit<Facts, 'page'> {
  readonly tree: Tree;
  readonly memory: DataMemory;
  readonly log: Logger;
}

export interface Control {
  /** The unix socket; undefined: there is none. */
  readonly path: string | undefined;
  /** The address over TCP, with its real port. */
  readonly http: TcpAddress | undefined;
  /** Answers the calls under way, for a moment, then closes everything. May be called again. */
  close(): Promise<void>;
  /** Closes everything at once. */
  closeNow(): void;
}

const CLOSE_MS = 500;
const OWNER_ONLY = 0o600;

/** @throws ListenError when an address or the token cannot be had; then nothing is left behind. */
export async function startControl(
  options: ControlOptions,
  context: ControlContext,
): Promise<Control> {
  const { log, tree } = context;
  const error = (reason: unknown): void => log.error(reason);
  const servers: Server[] = [];
  const faults = new AcceptFaults(systemScheduler, log);
  const make = (options: Pick<ServerOptions, 'guard' | 'isLocal' | 'page'>): Server => {
    const server = makeHttpServer({ ...options, load, error });
    faults.watch(server);
    servers.push(server);
    return server;
  };
  const http = new HttpWay(
    httpOptions(options),
    (guard, page) => make({ guard, page, isLocal: false }),
    log,
  );
  const load = lazyApi({ ...context, error, page: http });
  const closeNow = (): void => {
    faults.close();
    for (const server of servers) {
      stopListening(server);
      server.closeAllConnections();
    }
  };
  try {
    const path = await onSocket(
      options.socket,
      () => make({ guard: () => undefined, isLocal: true }),
      log,
    );
    await http.start();
    let closing: Promise<void> | undefined;
    return {
      path,
      http: http.address,
      close() {
        faults.close();
        tree.end();
        context.events.end();
        closing ??= closeGently(servers);
        return closing;
      },
      closeNow,
    };
  } catch (error) {
    closeNow();
    throw error;
  }
}

/** @throws ListenError when the file has no token. */
function httpOptions({ http, token, tokenFile, readOnly = false }: ControlOptions): HttpOptions {
  const fromFile = tokenFile === undefined ? undefined : tokenIn(tokenFile);
  return { http, token: token ?? fromFile, readOnly };
}

/** @returns the path. Undefined: there is no socket. */
async function onSocket(
  wanted: ControlOptions['socket'],
  make: () => Server,
  log: Logger,
): Promise<string | undefined> {
  if (wanted === 'none') return undefined;
  if (wanted !== 'default') {
    try {
      return await onPath(wanted, make(), log);
    } catch (error) {
      if (wanted.mayBeTaken === undefined || !(error instanceof InUseError)) throw error;
      log.warn(`TNULL_CONTROL: ${error.message}`);
    }
  }
  const place = defaultPlace();
  try {
    makeFolder(place.folder);
  } catch (error) {
    // The user did not ask for this socket: serving goes on without it.
    log.warn(`no control socket: ${systemText(error)}`);
    return undefined;
  }
  try {
    return await onPath({ path: place.socket }, make(), log);
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    const path = await onPath({ path: secondSocket(place) }, make(), log);
    log.warn(`${error.message}: the control socket is ${path}`);
    return path;
  }
}

/** No other user may connect, from the moment that the socket exists. */
async function onPath(place: Place, server: Server, log: Logger): Promise<string> {
  const before = process.umask(0o177);
  try {
    await listen(server, { kind: 'unix', ...place }, log);
    chmodSync(place.path, OWNER_ONLY);
    return place.path;
  } finally {
    process.umask(before);
  }
}

async function closeGently(servers: readonly Server[]): Promise<void> {
  const closed = servers.map(
    (server) => new Promise<void>((resolve) => stopListening(server, resolve)),
  );
  for (const server of servers) server.closeIdleConnections();
  const timer = setTimeout(() => {
    for (const server of servers) server.closeAllConnections();
  }, CLOSE_MS);
  await Promise.all(closed);
  clearTimeout(timer);
}
