/** One thread for sockets as the main thread sees it: its clients and their slots, from its beginning
 *  to its end. */

import type net from 'node:net';
import { Worker } from 'node:worker_threads';
import type { DirectOffer } from '../export/direct-offer.ts';
import type { ByteSink } from '../server/byte-stream.ts';
import type { ServerFault } from '../server/server-faults.ts';
import { Doorbell } from './doorbell.ts';
import { EVENT_RING_BYTES, EventRing, Inbox, Outbox, SLOTS_MAX } from './event-ring.ts';
import { type Giver, Rendezvous } from './hand-over.ts';
import { Slot, ToWorker, Word } from './slot.ts';
import { type StreamHost, ThreadStream } from './thread-stream.ts';
import { Bell, type ToThread, type WorkerData } from './worker-data.ts';

/** The entry, which is beside us, compiled or in the bundle. A thread loads no TypeScript: where we are not compiled
 *  it is the bundle's, which takes two thirds of the time of many files. */
const isCompiled = import.meta.url.endsWith('.js');
const compiled = new URL(
  isCompiled ? './worker.js' : '../../dist/bundle/worker.js',
  import.meta.url,
);

/** Kept for the next clients, at up to 1 MiB each. */
const FREE_SLOTS = 16;
const RETURN_MS = 5000;

export interface ThreadOptions {
  readonly index: number;
  readonly threads: number;
  readonly bells: SharedArrayBuffer;
  readonly faults: SharedArrayBuffer;
  readonly traffic: SharedArrayBuffer;
  readonly busyPollNs: number;
  readonly crowded: boolean;
  readonly tls: WorkerData['tls'];
  /** What runs in the thread; for tests. */
  readonly entry?: URL;
  /** Memory that threads share was given up: it is to be collected by all of them. */
  freed(): void;
  /** It wakes us. */
  woken(): void;
  ready(stream: ThreadStream): void;
  /** It has ended although nobody told it to; its clients are gone. */
  died(thread: Thread, reason: string): void;
}

export class Thread implements StreamHost {
  readonly outbox: Outbox;
  readonly inbox: Inbox;
  readonly #options: ThreadOptions;
  readonly #worker: Worker;
  /** Every slot that there is, by number. No number is used twice. */
  readonly #slots = new Map<number, Slot>();
  #nextSlot = 0;
  #returning = false;
  /** Those without a client; the last one used is the first that is used again. */
  readonly #free: Slot[] = [];
  readonly #streams = new Map<number, ThreadStream>();
  #giver: Giver | undefined;
  #ending = false;

  private constructor(options: ThreadOptions, path: string) {
    const { index, threads, bells, faults, traffic, entry = compiled } = options;
    const { busyPollNs, crowded, tls } = options;
    this.#options = options;
    const memory = {
      toMain: new SharedArrayBuffer(EVENT_RING_BYTES),
      toWorker: new SharedArrayBuffer(EVENT_RING_BYTES),
    };
    const facts = { index, threads, path, bells, faults, traffic, busyPollNs, crowded, tls };
    const data: WorkerData = { ...memory, ...facts };
    this.#worker = new Worker(entry, { workerData: data, name: `sockets-${index}` });
    const wake = (): void => this.post(undefined);
    const doorbell = new Doorbell(new Int32Array(bells), Bell.ofThread(index), wake);
    this.outbox = new Outbox(new EventRing(memory.toWorker), doorbell, Word.TO_WORKER);
    this.inbox = new Inbox(
      new EventRing(memory.toMain),
      Word.TO_MAIN,
      (id) => this.#slots.get(id),
      ({ id }, bits) => this.#streams.get(id)?.happened(bits),
    );
    this.#worker.on('message', () => options.woken());
  }

  /** @throws what the thread met when it began. */
  static async start(options: ThreadOptions): Promise<Thread> {
    const rendezvous = await Rendezvous.open();
    try {
      const thread = new Thread(options, rendezvous.path);
      const worker = thread.#worker;
      const failed = new Promise<never>((_, reject) => {
        worker.once('error', reject);
        worker.once('exit', (code) => reject(new Error(`a thread ended with ${code}`)));
      });
      failed.catch(() => {}); // what happens after the beginning is heard of below
      thread.#giver = await Promise.race([rendezvous.met(), failed]);
      thread.#hearEnd();
      return thread;
    } finally {
      rendezvous.close();
    }
  }

  /** How many clients it has. */
  get clients(): number {
    return this.#streams.size;
  }

  get full(): boolean {
    return this.#ending || this.#streams.size >= SLOTS_MAX;
  }

  /** Gives it a client's socket, of which nothing was read. */
  open(socket: net.Socket, sink: ByteSink): ThreadStream {
    const slot = this.#takeSlot();
    const stream = new ThreadStream(slot, sink, socket.remoteAddress, this);
    this.#streams.set(slot.id, stream);
    this.outbox.raise(slot, ToWorker.OPEN);
    this.#giver?.give(socket, slot.id, (reason) => stream.lost(reason, 'handover'));
    return stream;
  }

  /** Tells it something. */
  post(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  ready(stream: ThreadStream): void {
    this.#options.ready(stream);
  }

  offer({ slot }: ThreadStream, offer: DirectOffer): void {
    this.post({ what: 'offer', slot: slot.id, offer });
  }

  gone({ slot }: ThreadStream): void {
    this.#streams.delete(slot.id);
    this.#free.push(slot);
    if (this.#free.length <= FREE_SLOTS || this.#returning) return;
    this.#returning = true;
    setTimeout(() => this.#returnSlots(), RETURN_MS).unref();
  }

  /** Ends the thread, and whoever is still connected. */
  async end(): Promise<void> {
    this.#ending = true;
    this.#giver?.close();
    await this.#worker.terminate();
    this.#loseAll('the server ends');
  }

  #hearEnd(): void {
    let reason = 'it ended';
    this.#worker.on('error', (error) => {
      reason = error.stack ?? error.message;
    });
    this.#worker.on('exit', () => {
      if (this.#ending) return;
      this.#ending = true;
      this.#giver?.close();
      this.#loseAll('its thread has died', 'thread');
      this.#options.died(this, reason);
    });
    // What it does keeps us alive no more than what it is for.
    this.#worker.unref();
  }

  #loseAll(reason: string, fault?: ServerFault): void {
    for (const stream of [...this.#streams.values()]) stream.lost(reason, fault);
  }

  /** Those that were not used for the longest time. */
  #returnSlots(): void {
    this.#returning = false;
    const ids = this.#free.splice(0, this.#free.length - FREE_SLOTS).map(({ id }) => id);
    if (ids.length === 0 || this.#ending) return;
    for (const id of ids) this.#slots.delete(id);
    this.post({ what: 'slots gone', ids });
    this.#options.freed();
  }

  #takeSlot(): Slot {
    const free = this.#free.pop();
    if (free !== undefined) {
      free.reset();
      return free;
    }
    const slot = new Slot(this.#nextSlot++);
    this.#slots.set(slot.id, slot);
    this.post({ what: 'slot', id: slot.id, memory: slot.memory });
    return slot;
  }
}
