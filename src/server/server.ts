/** The NBD server: listeners, the connections they brought, and how they end. It serves the exports
 *  it is given and knows nothing of what stands behind them. */

import net from 'node:net';
import { type HandshakeHost, NbdError } from 'nbd-server-protocol-ts';
import type { Refusal } from '../export/check.ts';
import type { NbdExport } from '../export/nbd-export.ts';
import type { SessionContext } from '../export/session.ts';
import type { Scheduler } from '../time/clock.ts';
import type { Pacing } from '../time/pacing.ts';
import type { ChunkPool } from './chunk-pool.ts';
import { Connection } from './connection.ts';
import { limits } from './limits.ts';
import { type ListenAddress, listen, stopListening } from './listener.ts';
import type { Log } from './log.ts';
import { SocketStream } from './receive.ts';
import type { Turn } from './turn.ts';

const serverStops: Refusal = { error: NbdError.ESHUTDOWN, text: 'the server is shutting down' };
const exportRemoved: Refusal = { error: NbdError.ESHUTDOWN, text: 'the export was removed' };

export interface ServerContext extends SessionContext {
  readonly log: Log;
  readonly turn: Turn;
  readonly pacing: Pacing;
  readonly scheduler: Scheduler;
  readonly chunks: ChunkPool;
  readonly host: HandshakeHost<NbdExport>;
  /** A connection has ended. */
  gone(connection: Connection): void;
}

/** The exports, in order: the first is the default. */
export interface Exports {
  list(): Iterable<NbdExport>;
}

export class Server {
  readonly #context: ServerContext;
  readonly #connections = new Set<Connection>();
  readonly #listeners: net.Server[] = [];
  #nextId = 1;
  #shuttingDown = false;
  #allGone: (() => void) | undefined;

  constructor(exports: Exports, context: Omit<ServerContext, 'host' | 'gone'>) {
    this.#context = {
      ...context,
      host: {
        list: () => exports.list(),
        find: (name) => {
          for (const one of exports.list()) if (name === '' || one.name === name) return one;
          return undefined;
        },
        shuttingDown: () => this.#shuttingDown,
      },
      gone: (connection) => {
        this.#connections.delete(connection);
        if (this.#connections.size === 0) this.#allGone?.();
      },
    };
  }

  /** Accepts clients at `address`. @returns the address with its real port.
   *  @throws ListenError when it is in use or not ours. */
  async listen(address: ListenAddress): Promise<ListenAddress> {
    const listener = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) =>
      this.#accept(socket),
    );
    this.#listeners.push(listener);
    const where = await listen(listener, address);
    listener.on('error', (error) => {
      this.#context.log.warn({ error: error.message }, 'a client could not be accepted');
    });
    return where;
  }

  /** Stops accepting and lets what is in flight end, for a limited time. */
  async stop(): Promise<void> {
    this.#shuttingDown = true;
    for (const listener of this.#listeners) stopListening(listener);
    if (this.#connections.size === 0) return;
    const gone = new Promise<void>((resolve) => {
      this.#allGone = resolve;
    });
    const cancel = this.#context.scheduler.timeout(() => this.stopNow(), limits.drainTime.max);
    for (const connection of [...this.#connections]) connection.shutdown(serverStops);
    this.#context.turn.end();
    await gone;
    cancel();
  }

  /** `gone` is served no more: its clients are refused and leave when what they have in flight has
   *  its replies, or after a limited time at once. Done when its last command has ended. */
  async retire(gone: NbdExport): Promise<void> {
    const users = [...this.#connections].filter((connection) => connection.export === gone);
    const cancel = this.#context.scheduler.timeout(() => {
      for (const connection of users) connection.destroy();
    }, limits.drainTime.max);
    for (const connection of users) connection.shutdown(exportRemoved);
    this.#context.turn.end();
    await gone.whenUnused();
    cancel();
  }

  /** Ends every connection as it stands. */
  stopNow(): void {
    for (const listener of this.#listeners) stopListening(listener);
    for (const connection of [...this.#connections]) connection.destroy();
  }

  #accept(socket: net.Socket): void {
    const connection = new Connection(this.#context, this.#nextId++);
    this.#connections.add(connection);
    connection.open(new SocketStream(socket, connection));
    if (this.#shuttingDown) connection.shutdown(serverStops);
  }
}
