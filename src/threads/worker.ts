/** What a thread for sockets runs: takes the clients' sockets that the main thread gives it, and looks
 *  at them, and at what the main thread has to say, in the same way as the main thread looks. */

import type net from 'node:net';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { type LogMemory, ThreadLog } from '../direct/log-rings.ts';
import { ThreadDevice, type ThreadDeviceHost } from '../direct/thread-device.ts';
import type { DirectOffer } from '../export/direct-offer.ts';
import { FaultCounts } from '../server/fault-counts.ts';
import { SocketStream } from '../server/receive.ts';
import { type ServerTls, serverTls } from '../server/tls-credentials.ts';
import { Traffic } from '../server/traffic.ts';
import { BusyPoll } from '../time/busy-poll.ts';
import { systemClock, systemScheduler } from '../time/clock.ts';
import { Deferred } from '../time/deferred.ts';
import { Pacing, type Source } from '../time/pacing.ts';
import { TimerQueue } from '../time/timer-queue.ts';
import { bug, nanoseconds } from '../units.ts';
import { collectGarbage } from './collect.ts';
import { DirectOutput, DirectRequests } from './direct-requests.ts';
import { Doorbell, Sleeper } from './doorbell.ts';
import { EventRing, Inbox, Outbox } from './event-ring.ts';
import { takeSockets } from './hand-over.ts';
import { Lease, LeaseWindow } from './lease.ts';
import { Relay, type RelayHost } from './relay.ts';
import { Slot, ToWorker, Word } from './slot.ts';
import { Bell, type ToThread, type WorkerData } from './worker-data.ts';

/** How much of a long write was taken is looked at so often: a watch looks every 100 ms at most. */
const PROGRESS_MS = 40;

const NO_DESCRIPTOR = 'EMFILE: no file descriptor is left (ulimit -n)';

interface Client {
  readonly slot: Slot;
  /** Undefined: its socket is not here yet, or no more. */
  relay: Relay | undefined;
  /** What was said before its socket was here. */
  early: number;
  /** What was agreed on with it, once it may be lent. */
  offer: DirectOffer | undefined;
}

class SocketThread implements RelayHost, Source, ThreadDeviceHost {
  readonly outbox: Outbox;
  readonly tls: ServerTls | undefined;
  readonly #port: NonNullable<typeof parentPort>;
  readonly #clients = new Map<number, Client>();
  /** Numbers of slots that were given back. */
  readonly #gone = new Set<number>();
  readonly #stuck = new Set<Relay>();
  readonly #inbox: Inbox;
  readonly #sleeper: Sleeper;
  readonly #pacing: Pacing;
  readonly #quiet: () => boolean;
  readonly #crowded: boolean;
  readonly #index: number;
  readonly #threads: number;
  readonly #arenas = new Map<number, Uint8Array>();
  readonly #devices = new Map<number, ThreadDevice>();
  /** By device, until its commands are noted for the first time. */
  readonly #logs = new Map<number, LogMemory>();
  readonly #callForLog: () => void;
  readonly #window = new LeaseWindow();
  readonly #output = new DirectOutput();
  readonly #faults: FaultCounts;
  readonly #traffic: Traffic;

  constructor(data: WorkerData, port: NonNullable<typeof parentPort>) {
    this.#port = port;
    this.#crowded = data.crowded;
    this.#index = data.index;
    this.#threads = data.threads;
    this.#faults = new FaultCounts(data.index + 1, data.faults);
    this.#traffic = new Traffic(data.index + 1, data.traffic);
    this.tls = data.tls === undefined ? undefined : serverTls(data.tls);
    const bells = new Int32Array(data.bells);
    this.#sleeper = new Sleeper(bells, Bell.ofThread(data.index));
    const doorbell = new Doorbell(bells, Bell.MAIN, () => port.postMessage(undefined));
    this.#callForLog = () => {
      Atomics.store(bells, Bell.LOG, 1);
      doorbell.knock();
    };
    this.outbox = new Outbox(new EventRing(data.toMain), doorbell, Word.TO_MAIN);
    this.#inbox = new Inbox(
      new EventRing(data.toWorker),
      Word.TO_WORKER,
      (id) => this.#slotOf(id),
      (slot, bits) => this.#happened(slot, bits),
    );
    this.#quiet = () => this.#inbox.empty;
    const turn = { begin: () => {}, end: () => this.#pacing.rest() };
    this.#pacing = new Pacing(
      ...([systemClock, systemScheduler, new TimerQueue(), new Deferred()] as const),
      ...([new BusyPoll(nanoseconds(data.busyPollNs)), turn] as const),
    );
    this.#pacing.source = this;
    port.on('message', (message: ToThread) => {
      if (message === undefined) this.#pacing.wake();
      else this.#learn(message);
    });
    const refused = (): void => {
      throw Object.assign(new Error(NO_DESCRIPTOR), { code: 'EMFILE' });
    };
    takeSockets(data.path, (id, socket) => this.#takeSocket(id, socket), refused);
  }

  /** To wait awake for the main thread would keep it from running where cores are few. */
  traffic(own = false): void {
    if (own || !this.#crowded) this.#pacing.traffic();
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
    if (!this.#crowded) this.#pacing.traffic();
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
    client.offer = undefined;
    const relay = new Relay(client.slot, this);
    if (socket === undefined) {
      relay.closed('no file descriptor is left', 'descriptors');
      return;
    }
    client.relay = relay;
    relay.open(new SocketStream(socket, relay), client.early);
    this.traffic();
  }

  lease(slot: Slot, send: (part: Uint8Array) => boolean): Lease | undefined {
    const client = this.#client(slot.id);
    const offer = this.#known(() => client.offer, 'what was agreed on');
    const device = this.#devices.get(offer.device);
    if (device === undefined) return undefined; // it has gone
    const counts = { faults: this.#faults, traffic: this.#traffic };
    const common = { thread: this.#index, output: this.#output, ...counts };
    const requests = new DirectRequests(offer, device, common, send);
    return new Lease(requests, this.#window);
  }

  #client(id: number): Client {
    return this.#clients.get(id) ?? this.#known(() => this.#clients.get(id), `slot ${id}`);
  }

  /** Undefined: it was given back. */
  #slotOf(id: number): Slot | undefined {
    return this.#gone.has(id) ? undefined : this.#client(id).slot;
  }

  arena(id: number): Uint8Array {
    return this.#arenas.get(id) ?? this.#known(() => this.#arenas.get(id), `arena ${id}`);
  }

  log(device: number): ThreadLog {
    const memory = this.#known(() => this.#logs.get(device), `the log of device ${device}`);
    return new ThreadLog(memory, this.#index, this.#callForLog);
  }

  /** What was sent before it was needed may not have been looked at yet. */
  #known<T>(find: () => T | undefined, what: string): T {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      const next: { message: ToThread } | undefined = receiveMessageOnPort(this.#port);
      if (next === undefined) bug(`${what} is unknown`);
      // Who is awake need not be woken.
      if (next.message !== undefined) this.#learn(next.message);
    }
  }

  #learn(message: Exclude<ToThread, undefined>): void {
    switch (message.what) {
      case 'slot': {
        const { id, memory } = message;
        const slot = new Slot(id, memory);
        this.#clients.set(id, { slot, relay: undefined, early: 0, offer: undefined });
        return;
      }
      case 'slots gone':
        for (const id of message.ids) {
          this.#clients.delete(id);
          this.#gone.add(id);
        }
        return;
      case 'arena':
        // A length of its own: without one the view would look whether the memory has grown.
        this.#arenas.set(message.id, new Uint8Array(message.memory, 0, message.memory.byteLength));
        return;
      case 'arenas gone':
        for (const id of message.arenas) this.#arenas.delete(id);
        return;
      case 'collect':
        collectGarbage();
        return;
      case 'device': {
        const { memory } = message;
        const device = new ThreadDevice(memory, this.#index, this.#threads, this);
        this.#devices.set(memory.id, device);
        return;
      }
      case 'log':
        this.#logs.set(message.device, message.memory);
        return;
      case 'device gone':
        this.#devices.delete(message.id);
        this.#logs.delete(message.id);
        return;
      case 'offer':
        this.#client(message.slot).offer = message.offer;
    }
  }

  #progress(): void {
    for (const relay of this.#stuck) if (!relay.progress()) this.#stuck.delete(relay);
    if (this.#stuck.size > 0) setTimeout(() => this.#progress(), PROGRESS_MS);
  }
}

if (parentPort !== null) new SocketThread(workerData as WorkerData, parentPort); // as thread.ts sends it
