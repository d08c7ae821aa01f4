/** The NBD server: listeners, their connections, and how they end. It serves the exports that it is given and
 *  knows nothing about what is behind them. */

import net from 'node:net';
import { NbdError } from 'nbd-server-protocol-ts';
import { ByteBudget } from '../export/byte-budget.ts';
import type { NbdExport } from '../export/nbd-export.ts';
import type { Refusal } from '../export/rules.ts';
import { StatusBudget } from '../export/status-budget.ts';
import { AcceptFaults } from './accept-faults.ts';
import { Admission, Burst } from './admission.ts';
import { arrivalAt, frontsOf } from './arrivals.ts';
import type { ByteSink, ByteStream } from './byte-stream.ts';
import { Connection } from './connection.ts';
import { type InheritedSocket, listenInherited } from './inherited.ts';
import { limitLeaveTaking } from './leave-taking.ts';
import { limits } from './limits.ts';
import { type ListenAddress, listen, stopListening } from './listener.ts';
import { SocketStream } from './receive.ts';
import { RefusedConnections } from './refused-connections.ts';
import type { ServerContext } from './server-context.ts';
import { openStdio } from './stdio.ts';
import { Watch } from './watch.ts';
import type { WayIn } from './way-in.ts';

const [error, cause] = [NbdError.ESHUTDOWN, 'shutdown'] as const;
const serverStops: Refusal = { error, text: 'the server is shutting down', cause };
const exportRemoved: Refusal = { error, text: 'the export was removed', cause };

type OpenStream = (sink: ByteSink, here: boolean) => ByteStream;

/** What a server is made with; the rest it makes itself. */
type ServerSurroundings = Omit<
  ServerContext,
  'host' | 'acceptFaults' | 'inFlightMax' | 'budget' | 'statusBudget'
>;

export interface Exports {
  /** In order. */
  list(): Iterable<NbdExport>;
  /** '' is the first of them, the default. */
  find(name: string): NbdExport | undefined;
}

export class Server {
  readonly refused = new RefusedConnections();
  readonly #context: ServerContext;
  /** Told when a client is gone. */
  readonly #connections = new Map<Connection, () => void>();
  readonly #admission: Admission;
  readonly #refusals: Burst;
  readonly #acceptFaults: AcceptFaults;
  readonly #watch: Watch;
  readonly #listeners: net.Server[] = [];
  #nextId = 1;
  #shuttingDown = false;
  #allGone: (() => void) | undefined;
  /** A client was there that agreed on an export. */
  #served = false;
  #lastLeft: (() => void) | undefined;

  constructor(exports: Exports, context: ServerSurroundings) {
    const { scheduler, log } = context;
    this.#refusals = new Burst(scheduler, log);
    this.#acceptFaults = new AcceptFaults(scheduler, log, this.refused);
    this.#admission = new Admission(context.limits, this.#refusals, this.refused);
    this.#watch = new Watch(scheduler, context.limits);
    this.#context = {
      ...context,
      acceptFaults: this.#acceptFaults,
      inFlightMax: context.limits.inFlight,
      budget: new ByteBudget(context.limits.inFlightTotal),
      statusBudget: new StatusBudget(context.deferred),
      host: {
        list: () => exports.list(),
        find: (name) => exports.find(name),
        shuttingDown: () => this.#shuttingDown,
        contexts: (of) => of.contexts,
      },
    };
  }

  /** Data of all clients' commands in flight; 0 once all have their replies. */
  get bytesInFlight(): number {
    return this.#context.budget.total;
  }

  /** Accepts clients at `address`. @returns the address with its real port.
   *  @throws ListenError when it is in use or not ours. */
  listen(address: ListenAddress): Promise<ListenAddress> {
    return listen(this.#makeListener(this.#wayOf(address)), address, this.#context.log);
  }

  /** Accepts clients on an inherited socket.
   *  @returns its address. Undefined when it is unknown. @throws ListenError. */
  async listenInherited(socket: InheritedSocket): Promise<ListenAddress | undefined> {
    const way = this.#usualWay;
    const address = await listenInherited(this.#makeListener(way), socket);
    return address !== undefined && way.tls === 'require' ? { ...address, tls: true } : address;
  }

  /** Serves one client on standard input and output. @returns resolves when it is gone.
   *  @throws ListenError when they are neither sockets nor pipes. */
  serveStdio(): Promise<void> {
    const { source, drain } = openStdio();
    return this.serve((sink) => new SocketStream(source, sink, drain));
  }

  /** Serves one client that did not come through our listeners. @param open makes its stream.
   *  @returns resolves when it is gone. */
  serve(open: OpenStream): Promise<void> {
    return new Promise((gone) => this.#serve(open, this.#usualWay, gone));
  }

  /** Stops accepting and waits for what is in flight, for a limited time. */
  async stop(): Promise<void> {
    this.#shuttingDown = true;
    this.#closeListeners();
    if (this.#connections.size === 0) return;
    const gone = new Promise<void>((resolve) => {
      this.#allGone = resolve;
    });
    const cancel = this.#context.scheduler.timeout(() => this.stopNow(), limits.drainTime.max);
    for (const connection of [...this.#connections.keys()]) connection.shutdown(serverStops);
    this.#context.turn.end();
    await gone;
    cancel();
  }

  /** `gone` is served no more: its clients are refused, and leave when their commands in flight have replies.
   *  A client that keeps us waiting is ended. Resolves when its last command has ended. */
  async retire(gone: NbdExport): Promise<void> {
    const users = [...this.#connections.keys()].filter((connection) => connection.export === gone);
    const { scheduler } = this.#context;
    const cancel = limitLeaveTaking(users, scheduler, limits.drainTime.max);
    for (const connection of users) connection.shutdown(exportRemoved);
    this.#context.turn.end();
    await gone.whenUnused();
    cancel();
  }

  /** The power of `of` is cut: its clients' connections break, and they are sent nothing more. */
  cut(of: NbdExport): void {
    for (const connection of [...this.#connections.keys()]) {
      if (connection.export === of) connection.cut();
    }
  }

  /** The clients of `gone`, which is retired, get the replies that are there, and are ended. */
  hurry(gone: NbdExport): void {
    this.#context.scheduler.timeout(() => {
      for (const connection of [...this.#connections.keys()]) {
        if (connection.export === gone) connection.destroy();
      }
    }, limits.hurryTime.max);
  }

  /** Done when nobody is there any more, once somebody has used an export. */
  lastClientLeft(): Promise<void> {
    return new Promise((resolve) => {
      this.#lastLeft = resolve;
    });
  }

  /** Ends every connection at once. */
  stopNow(): void {
    this.#closeListeners();
    for (const connection of [...this.#connections.keys()]) connection.destroy();
  }

  get #usualWay(): WayIn {
    const { tlsMode: tls, protocol } = this.#context;
    return { tls, protocol };
  }

  #wayOf(address: ListenAddress): WayIn {
    const { tls, protocol } = this.#usualWay;
    const demanded = address.tls === true ? 'require' : tls;
    return { tls: demanded, protocol: address.protocol ?? protocol };
  }

  #makeListener(way: WayIn): net.Server {
    const listener = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
      // One over TCP that was reset by now has no address: it would pass for a client of a unix socket.
      if (socket.remoteAddress === undefined && isTcp(listener)) socket.destroy();
      else this.#accept(socket, way);
    });
    this.#listeners.push(listener);
    this.#acceptFaults.watch(listener);
    return listener;
  }

  #closeListeners(): void {
    for (const listener of this.#listeners) stopListening(listener);
    this.#refusals.close();
    this.#acceptFaults.close();
  }

  #accept(socket: net.Socket, way: WayIn): void {
    const leave = this.#admission.admit(socket.remoteAddress);
    if (leave === undefined) socket.destroy();
    else this.#serve((sink, here) => this.#context.openStream(socket, sink, here), way, leave);
  }

  /** @param gone called when the client is gone. */
  #serve(open: OpenStream, way: WayIn, gone: () => void): void {
    const { buffers, host } = this.#context;
    const fronts = frontsOf(host.list());
    const isRuled = fronts.length > 0;
    const [received, replies] = [buffers.take(), buffers.take()];
    if (received === undefined || replies === undefined) {
      if (received !== undefined) buffers.give(received);
      this.#acceptFaults.noMemory();
      open(nobody(gone), isRuled).destroy();
      return;
    }
    const id = this.#nextId++;
    const connection = new Connection(this.#context, id, way, { received, replies }, () =>
      this.#gone(connection),
    );
    this.#connections.set(connection, gone);
    this.#watch.add(connection);
    connection.open(open(connection, isRuled), arrivalAt(fronts));
    if (this.#shuttingDown) connection.shutdown(serverStops);
  }

  #gone(connection: Connection): void {
    this.#watch.remove(connection);
    this.#connections.get(connection)?.();
    this.#connections.delete(connection);
    if (connection.export !== undefined) this.#served = true;
    if (this.#connections.size > 0) return;
    this.#allGone?.();
    if (this.#served) this.#lastLeft?.();
  }
}

/** For a client that is not served: what is opened for it ends at once. */
function nobody(gone: () => void): ByteSink {
  const place = new Uint8Array(1);
  return {
    target: () => place,
    received: () => false,
    ended: () => {},
    written: () => {},
    closed: gone,
  };
}

/** Of a unix socket Node has a path, or nothing. */
function isTcp(listener: net.Server): boolean {
  const address = listener.address();
  return typeof address === 'object' && address !== null;
}
