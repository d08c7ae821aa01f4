/** Clients on threads of their own, without threads: rings, slots, bells, and both ends of a client's stream
 *  are the program's; what carries messages and sockets from one thread to the other is simulated, and takes
 *  its time. Each step of a thread is whole, as nothing here runs at the same time as another.
 *  Plain reads and writes are not executed in these threads: that takes a device's memory there. */

import type { ByteSink, ByteStream } from '../../src/server/byte-stream.ts';
import type { ServerTls } from '../../src/server/tls-credentials.ts';
import { Doorbell, Sleeper } from '../../src/threads/doorbell.ts';
import { EVENT_RING_BYTES, EventRing, Inbox, Outbox } from '../../src/threads/event-ring.ts';
import { Relay, type RelayHost } from '../../src/threads/relay.ts';
import { Slot, ToWorker, Word } from '../../src/threads/slot.ts';
import { type StreamHost, ThreadStream } from '../../src/threads/thread-stream.ts';
import { Bell } from '../../src/threads/worker-data.ts';
import { BusyPoll } from '../../src/time/busy-poll.ts';
import { Deferred } from '../../src/time/deferred.ts';
import { Pacing, type Source } from '../../src/time/pacing.ts';
import { TimerQueue } from '../../src/time/timer-queue.ts';
import { nanoseconds } from '../../src/units.ts';
import type { Random } from '../fuzz/random.ts';
import { Found } from './failure.ts';
import { Happening, type World } from './world.ts';

/** A message, and a socket that is given away, are under way for so long at most. */
const MESSAGE_NS = 20_000;
const SOCKET_NS = 200_000;
const PROGRESS_MS = 40;

type Connect = (sink: ByteSink) => ByteStream;

/** What both ends of all threads share. */
interface Common {
  readonly world: World;
  readonly random: Random;
  readonly bells: Int32Array;
  readonly busyPollNs: number;
  readonly tls: ServerTls | undefined;
}

/** Slots of each thread from the runs before: each takes a MiB. */
const free: Slot[][] = [];
let slotsMade = 0;

/** All threads as the main one sees them. */
export class SimThreads implements Source {
  readonly #pacing: Pacing;
  readonly #sleeper: Sleeper;
  readonly #threads: readonly MainEnd[];
  readonly #quiet: () => boolean;
  #ready: ThreadStream[] = [];

  /** @param pacing the main thread's. */
  constructor(count: number, pacing: Pacing, parts: Omit<Common, 'bells'>) {
    const bells = new Int32Array(new SharedArrayBuffer(Bell.bytesFor(count)));
    this.#pacing = pacing;
    this.#sleeper = new Sleeper(bells, Bell.MAIN);
    const ready = (stream: ThreadStream): void => {
      this.#ready.push(stream);
    };
    this.#threads = Array.from({ length: count }, (_, index) => {
      return new MainEnd(index, { ...parts, bells }, ready, () => pacing.wake());
    });
    this.#quiet = () => this.#threads.every(({ inbox }) => inbox.empty);
    pacing.source = this;
  }

  get clients(): number {
    return this.#threads.reduce((all, { clients }) => all + clients, 0);
  }

  /** A client comes. */
  open(sink: ByteSink, connect: Connect): ByteStream {
    const [first, ...others] = this.#threads;
    if (first === undefined) throw new Error('there are no threads');
    const least = others.reduce((one, two) => (two.clients < one.clients ? two : one), first);
    return least.open(sink, connect);
  }

  drain(): void {
    this.#sleeper.wake();
    const came = !this.#quiet();
    for (const { inbox } of this.#threads) if (!inbox.empty) inbox.drain();
    if (came) this.#pacing.traffic();
    const batch = this.#ready;
    this.#ready = [];
    for (const stream of batch) stream.proceed();
  }

  mayRest(): boolean {
    return this.#ready.length === 0 && this.#sleeper.sleep(this.#quiet);
  }
}

/** One thread, seen from the main one. */
class MainEnd implements StreamHost {
  readonly outbox: Outbox;
  readonly inbox: Inbox;
  readonly ready: (stream: ThreadStream) => void;
  readonly #common: Common;
  readonly #free: Slot[];
  readonly #slots = new Map<number, Slot>();
  readonly #streams = new Map<number, ThreadStream>();
  readonly #thread: ThreadEnd;

  constructor(
    index: number,
    common: Common,
    ready: (stream: ThreadStream) => void,
    woken: () => void,
  ) {
    this.ready = ready;
    this.#common = common;
    free[index] ??= [];
    this.#free = free[index];
    const [toMain, toWorker] = [ring(), ring()];
    this.#thread = new ThreadEnd(index, common, toMain, toWorker, message(common, woken));
    const wake = message(common, () => this.#thread.woken());
    const doorbell = new Doorbell(common.bells, Bell.ofThread(index), wake);
    this.outbox = new Outbox(toWorker, doorbell, Word.TO_WORKER);
    this.inbox = new Inbox(
      toMain,
      Word.TO_MAIN,
      (id) => this.#slots.get(id),
      ({ id }, bits) => this.#streams.get(id)?.happened(bits),
    );
  }

  get clients(): number {
    return this.#streams.size;
  }

  open(sink: ByteSink, connect: Connect): ThreadStream {
    const slot = this.#free.pop() ?? new Slot(slotsMade++);
    slot.reset();
    this.#slots.set(slot.id, slot);
    this.#thread.learn(slot);
    const stream = new ThreadStream(slot, sink, undefined, this);
    this.#streams.set(slot.id, stream);
    this.outbox.raise(slot, ToWorker.OPEN);
    const { world, random } = this.#common;
    const arrives = new Happening(() => this.#thread.takeSocket(slot.id, connect));
    world.start(arrives, 1 + random.below(SOCKET_NS));
    return stream;
  }

  offer(): void {}

  gone({ slot }: ThreadStream): void {
    this.#streams.delete(slot.id);
    this.#free.push(slot);
  }
}

interface Client {
  readonly slot: Slot;
  relay: Relay | undefined;
  /** What was said before its socket was here. */
  early: number;
}

/** The thread itself. */
class ThreadEnd implements RelayHost, Source {
  readonly outbox: Outbox;
  readonly tls: ServerTls | undefined;
  readonly #world: World;
  readonly #clients = new Map<number, Client>();
  readonly #stuck = new Set<Relay>();
  readonly #inbox: Inbox;
  readonly #sleeper: Sleeper;
  readonly #pacing: Pacing;
  readonly #quiet: () => boolean;

  constructor(
    index: number,
    { world, bells, busyPollNs, tls }: Common,
    toMain: EventRing,
    toWorker: EventRing,
    wakeMain: () => void,
  ) {
    this.tls = tls;
    this.#world = world;
    this.#sleeper = new Sleeper(bells, Bell.ofThread(index));
    this.outbox = new Outbox(toMain, new Doorbell(bells, Bell.MAIN, wakeMain), Word.TO_MAIN);
    this.#inbox = new Inbox(
      toWorker,
      Word.TO_WORKER,
      (id) => this.#clients.get(id)?.slot,
      ({ id }, bits) => this.#happened(this.#client(id), bits),
    );
    this.#quiet = () => this.#inbox.empty;
    const turn = { begin: () => {}, end: () => this.#pacing.rest() };
    this.#pacing = new Pacing(
      ...([world, world.scheduler, new TimerQueue(), new Deferred()] as const),
      ...([new BusyPoll(nanoseconds(busyPollNs)), turn] as const),
    );
    this.#pacing.source = this;
  }

  learn(slot: Slot): void {
    if (this.#clients.has(slot.id)) return;
    this.#clients.set(slot.id, { slot, relay: undefined, early: 0 });
  }

  woken(): void {
    this.#pacing.wake();
  }

  takeSocket(id: number, connect: Connect): void {
    const client = this.#client(id);
    this.drain();
    const relay = new Relay(client.slot, this);
    client.relay = relay;
    relay.open(connect(relay), client.early);
    this.traffic();
  }

  traffic(): void {
    this.#pacing.traffic();
    this.#pacing.rest();
  }

  stuck(relay: Relay): void {
    if (this.#stuck.size === 0) this.#progressLater();
    this.#stuck.add(relay);
  }

  gone(relay: Relay): void {
    this.#client(relay.slot.id).relay = undefined;
  }

  lease(): undefined {
    return undefined;
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

  #happened(client: Client, bits: number): void {
    if ((bits & ToWorker.OPEN) !== 0) client.early = bits;
    else if (client.relay === undefined) client.early |= bits;
    else client.relay.happened(bits);
  }

  #client(id: number): Client {
    const client = this.#clients.get(id);
    if (client === undefined) throw new Found('bug', `slot ${id} is unknown`);
    return client;
  }

  #progressLater(): void {
    this.#world.scheduler.timeout(() => {
      for (const relay of this.#stuck) if (!relay.progress()) this.#stuck.delete(relay);
      if (this.#stuck.size > 0) this.#progressLater();
    }, PROGRESS_MS);
  }
}

function ring(): EventRing {
  return new EventRing(new SharedArrayBuffer(EVENT_RING_BYTES));
}

/** @returns what sends it. */
function message({ world, random }: Common, arrives: () => void): () => void {
  const happening = new Happening(arrives);
  return () => world.start(happening, 1 + random.below(MESSAGE_NS));
}
