/** The threads for sockets: each client goes to the one with the fewest. What they have to say is
 *  looked at like the sockets that are here. */

import type net from 'node:net';
import { orNone } from '../pages/memory.ts';
import type { ByteSink, ByteStream } from '../server/byte-stream.ts';
import { SocketStream } from '../server/receive.ts';
import type { TlsFiles } from '../server/tls-credentials.ts';
import type { Source } from '../time/pacing.ts';
import { ReusedList } from '../time/reused-list.ts';
import { collectGarbage } from './collect.ts';
import { Sleeper } from './doorbell.ts';
import { Thread, type ThreadOptions } from './thread.ts';
import type { ThreadStream } from './thread-stream.ts';
import { Bell, type ToThread } from './worker-data.ts';

interface ErrorLog {
  error(facts: object, message: string): void;
}

export interface PoolOptions {
  readonly threads: number;
  /** Where they count what clients do wrong: see `FaultCounts`. */
  readonly faults: SharedArrayBuffer;
  /** Where they count bytes: see `Traffic`. */
  readonly traffic: SharedArrayBuffer;
  readonly busyPollNs: number;
  readonly crowded: boolean;
  readonly tls: TlsFiles | undefined;
  readonly log: ErrorLog;
  /** What runs in a thread; for tests. */
  readonly entry?: URL;
}

export class ThreadPool implements Source {
  /** Done when every thread has died. */
  readonly failed: Promise<void>;
  /** There may be something to do, and nobody looks. */
  onWake: () => void = () => {};
  /** Something came. */
  onTraffic: () => void = () => {};
  /** Threads have noted commands for a request log. */
  onLogged: () => void = () => {};
  #threads: readonly Thread[] = [];
  readonly #sleeper: Sleeper;
  #ready = new ReusedList<ThreadStream>();
  #proceeding = new ReusedList<ThreadStream>();
  #fail: () => void = () => {};
  readonly #quiet: () => boolean;

  readonly #bells: Int32Array;

  private constructor(memory: SharedArrayBuffer) {
    const bells = new Int32Array(memory);
    this.#bells = bells;
    this.#sleeper = new Sleeper(bells, Bell.MAIN);
    this.#quiet = () =>
      Atomics.load(bells, Bell.LOG) === 0 && this.#threads.every(({ inbox }) => inbox.empty);
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
  }

  /** @throws what a thread met when it began; none is left then. */
  static async start({ threads, log, ...options }: PoolOptions): Promise<ThreadPool> {
    const bells = new SharedArrayBuffer(Bell.bytesFor(threads));
    const pool = new ThreadPool(bells);
    const common: Omit<ThreadOptions, 'index'> = {
      ...{ ...options, bells, threads },
      woken: () => pool.onWake(),
      freed: () => pool.collect(),
      ready: (stream) => pool.#ready.push(stream),
      died: (thread, reason) => pool.#died(thread, reason, log),
    };
    const starting = Array.from({ length: threads }, (_, index) => {
      return Thread.start({ ...common, index });
    });
    const started = await Promise.allSettled(starting);
    pool.#threads = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = started.find((one) => one.status === 'rejected');
    if (failed === undefined) return pool;
    await pool.end();
    throw failed.reason;
  }

  /** Clients of each thread. */
  get clients(): readonly number[] {
    return this.#threads.map(({ clients }) => clients);
  }

  /** @param socket nothing was read of it. */
  open(socket: net.Socket, sink: ByteSink): ByteStream {
    let least: Thread | undefined;
    for (const thread of this.#threads) {
      if (thread.full) continue;
      if (least === undefined || thread.clients < least.clients) least = thread;
    }
    // Without memory for one there the client is served here.
    return orNone(() => least?.open(socket, sink)) ?? new SocketStream(socket, sink);
  }

  /** V8 does not count shared memory, and would not look for what no thread knows any more. */
  collect(): void {
    this.post({ what: 'collect' });
    collectGarbage();
  }

  /** Tells all threads something. */
  post(message: ToThread): void {
    for (const thread of this.#threads) thread.post(message);
  }

  drain(): void {
    this.#sleeper.wake();
    let came = false;
    for (const { inbox } of this.#threads) {
      if (inbox.empty) continue;
      came = true;
      inbox.drain();
    }
    if (came) this.onTraffic();
    // Taken before the rings are looked at: who notes something behind that calls again.
    if (Atomics.exchange(this.#bells, Bell.LOG, 0) !== 0) this.onLogged();
    if (this.#ready.count > 0) this.#proceed();
  }

  mayRest(): boolean {
    return this.#ready.count === 0 && this.#sleeper.sleep(this.#quiet);
  }

  /** Ends all threads, and whoever is still connected. */
  async end(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }

  #proceed(): void {
    const batch = this.#ready;
    this.#ready = this.#proceeding;
    this.#proceeding = batch;
    for (let at = 0; at < batch.count; at++) batch.at(at)?.proceed();
    batch.clear();
  }

  #died(dead: Thread, reason: string, log: ErrorLog): void {
    log.error({ reason }, 'a thread for sockets has died, and its clients are gone');
    this.#threads = this.#threads.filter((thread) => thread !== dead);
    if (this.#threads.length === 0) this.#fail();
  }
}
