/** What a thread for sockets runs: takes the clients' sockets that the main thread gives it, and looks
 *  at them, and at what the main thread has to say, in the same way as the main thread looks. */

import type net from 'node:net';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { SocketStream } from '../server/receive.ts';
import { type ServerTls, serverTls } from '../server/tls-credentials.ts';
import { BusyPoll } from '../time/busy-poll.ts';
import { systemClock, systemScheduler } from '../time/clock.ts';
import { Deferred } from '../time/deferred.ts';
import { Pacing, type Source } from '../time/pacing.ts';
import { TimerQueue } from '../time/timer-queue.ts';
import { bug, nanoseconds } from '../units.ts';
import { Doorbell, Sleeper } from './doorbell.ts';
import { EventRing, Inbox, Outbox } from './event-ring.ts';
import { takeSockets } from './hand-over.ts';
import { Relay, type RelayHost } from './relay.ts';
import { Slot, ToWorker, Word } from './slot.ts';
import { Bell, type ToThread, type WorkerData } from './worker-data.ts';

/** How much of a long write was taken is looked at so often: a watch looks every 100 ms at most. */
const PROGRESS_MS = 40;

interface Client {
  readonly slot: Slot;
  /** Undefined: its socket is not here yet, or no more. */
  relay: Relay | undefined;
  /** What was said before its socket was here. */
  early: number;
}

class SocketThread implements RelayHost, Source {
  readonly outbox: Outbox;
  readonly tls: ServerTls | undefined;
  readonly #port: NonNullable<typeof parentPort>;
  readonly #clients: Client[] = [];
  readonly #stuck = new Set<Relay>();
  readonly #inbox: Inbox;
  readonly #sleeper: Sleeper;
  readonly #pacing: Pacing;
  readonly #quiet: () => boolean;

  constructor(data: WorkerData, port: NonNullable<typeof parentPort>) {
    this.#port = port;
    this.tls = data.tls === undefined ? undefined : serverTls(data.tls);
    const bells = new Int32Array(data.bells);
    this.#sleeper = new Sleeper(bells, Bell.ofThread(data.index));
    const doorbell = new Doorbell(bells, Bell.MAIN, () => port.postMessage(undefined));
    this.outbox = new Outbox(new EventRing(data.toMain), doorbell, Word.TO_MAIN);
    this.#inbox = new Inbox(
      new EventRing(data.toWorker),
      Word.TO_WORKER,
      (id) => this.#client(id).slot,
      (slot, bits) => this.#happened(slot, bits),
    );
    this.#quiet = () => this.#inbox.empty;
    this.#pacing = new Pacing(
      ...([systemClock, systemScheduler, new TimerQueue(), new Deferred()] as const),
      ...([new BusyPoll(nanoseconds(data.busyPollNs)), () => this.#pacing.rest()] as const),
    );
    this.#pacing.source = this;
    port.on('message', (message: ToThread) => {
      if (message === undefined) this.#pacing.wake();
      else this.#learn(message);
    });
    takeSockets(data.path, (id, socket) => this.#takeSocket(id, socket));
  }

  traffic(): void {
    this.#pacing.traffic();
    this.#pacing.rest();
  }

  stuck(relay: Relay): void {
    if (this.#stuck.size === 0) setTimeout(() => this.#progress(), PROGRESS_MS);
    this.#stuck.add(relay);
  }

  gone(relay: Relay): void {
    this.#client(relay.slot.id).relay = undefined;
  }

  drain(): void {
    this.#sleeper.wake();
    if (this.#inbox.empty) return;
    this.#pacing.traffic();
    this.#inbox.drain();
  }

  mayRest(): boolean {
    return this.#sleeper.sleep(this.#quiet);
  }

  #happened({ id }: Slot, bits: number): void {
    const client = this.#client(id);
    if ((bits & ToWorker.OPEN) !== 0) client.early = bits;
    else if (client.relay === undefined) client.early |= bits;
    else client.relay.happened(bits);
  }

  #takeSocket(id: number, socket: net.Socket | undefined): void {
    const client = this.#client(id);
    // What was said before was for this one: it was said before the socket was given.
    this.drain();
    const relay = new Relay(client.slot, this);
    if (socket === undefined) {
      relay.closed('no file descriptor is left');
      return;
    }
    client.relay = relay;
    relay.open(new SocketStream(socket, relay), client.early);
    this.traffic();
  }

  /** Its memory was sent before its number was used. */
  #client(id: number): Client {
    for (;;) {
      const client = this.#clients[id];
      if (client !== undefined) return client;
      const next: { message: ToThread } | undefined = receiveMessageOnPort(this.#port);
      if (next === undefined) bug(`slot ${id} is unknown`);
      // Who is awake need not be woken.
      if (next.message !== undefined) this.#learn(next.message);
    }
  }

  #learn({ id, memory }: Exclude<ToThread, undefined>): void {
    this.#clients[id] = { slot: new Slot(id, memory), relay: undefined, early: 0 };
  }

  #progress(): void {
    for (const relay of this.#stuck) if (!relay.progress()) this.#stuck.delete(relay);
    if (this.#stuck.size > 0) setTimeout(() => this.#progress(), PROGRESS_MS);
  }
}

if (parentPort !== null) new SocketThread(workerData as WorkerData, parentPort); // as thread.ts sends it
