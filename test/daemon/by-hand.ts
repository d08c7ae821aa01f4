/** The daemon's data path with an event loop by hand: time passes only while something waits for it, and only
 *  what was arranged for runs. */

import { encodeOption, Option } from 'nbd-server-protocol-ts';
import { makeDataPath } from '../../src/daemon/data-path.ts';
import { makeTiming } from '../../src/daemon/timing.ts';
import { createSlabAllocator, type SlabAllocator } from '../../src/pages/allocator.ts';
import type { ByteSink, ByteStream } from '../../src/server/byte-stream.ts';
import { withDefaults } from '../../src/server/client-limits.ts';
import type { Scheduler } from '../../src/time/clock.ts';
import { bug, nanoseconds } from '../../src/units.ts';
import { MACHINE, resolved } from '../config/words.ts';
import { clientFlags } from '../wire/wire-client.ts';

const TURN_NS = 100_000;

export class Loop implements Scheduler {
  now = 0;
  turns = 0;
  #immediates: (() => void)[] = [];
  #timeouts: { readonly callback: () => void; readonly at: number }[] = [];

  immediate(callback: () => void): void {
    this.#immediates.push(callback);
  }

  timeout(callback: () => void, milliseconds: number): () => void {
    const entry = { callback, at: this.now + milliseconds * 1e6 };
    this.#timeouts.push(entry);
    return () => {
      this.#timeouts = this.#timeouts.filter((one) => one !== entry);
    };
  }

  /** Runs until `work` has ended. @throws when it waits and nothing would ever wake the program. */
  async until<T>(work: Promise<T>): Promise<T> {
    let over = false;
    const settled = work.finally(() => {
      over = true;
    });
    settled.catch(() => {});
    for (;;) {
      await this.goOn();
      if (over) return await settled;
      this.#turn();
    }
  }

  /** Lets promises go on. */
  async goOn(): Promise<void> {
    await new Promise(setImmediate);
  }

  /** Lets so many ns pass, each with what is due in it. */
  pass(ns: number): void {
    const end = this.now + ns;
    while (this.now < end) {
      if (this.#immediates.length === 0) {
        const next = Math.min(end, ...this.#timeouts.map(({ at }) => at));
        this.now = Math.max(this.now, next);
      }
      this.#once();
    }
  }

  #turn(): void {
    this.turns++;
    if (this.#immediates.length === 0) {
      const next = Math.min(...this.#timeouts.map(({ at }) => at));
      if (next === Number.POSITIVE_INFINITY) {
        throw new Error('it waits, and nothing would ever wake it');
      }
      this.now = Math.max(this.now, next);
    }
    this.#once();
  }

  /** What is due now; looking takes its time. */
  #once(): void {
    for (const one of this.#timeouts.filter(({ at }) => at <= this.now)) {
      const at = this.#timeouts.indexOf(one);
      if (at < 0) continue; // the one before has cancelled it
      this.#timeouts.splice(at, 1);
      one.callback();
    }
    const due = this.#immediates.splice(0);
    if (due.length > 0) this.now += TURN_NS;
    for (const callback of due) callback();
  }
}

/** A client whose socket is by hand. It never closes by itself, unless told to. */
export class HandClient implements ByteStream {
  readonly remoteAddress = undefined;
  readonly unsent = 0;
  /** All that it was sent. */
  received = Buffer.alloc(0);
  /** It takes no more of what it is sent. */
  deaf = false;
  /** The server said goodbye. */
  ended = false;
  gone = false;
  /** How often the server was handed bytes. */
  reads = 0;
  readonly #loop: Loop;
  readonly #sink: ByteSink;

  constructor(loop: Loop, sink: ByteSink) {
    this.#loop = loop;
    this.#sink = sink;
  }

  send(...parts: readonly Uint8Array[]): void {
    const bytes = Buffer.concat(parts);
    for (let at = 0; at < bytes.length; ) {
      const target = this.#sink.target();
      const length = bytes.copy(target, 0, at);
      at += length;
      this.reads++;
      this.#sink.received(length);
    }
  }

  write(parts: readonly Uint8Array[]): boolean {
    if (this.ended) bug('something is written behind the goodbye');
    if (this.deaf) return false;
    this.received = Buffer.concat([this.received, ...parts]);
    return true;
  }

  pause(): void {}
  resume(): void {}

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    if (this.gone) return;
    this.gone = true;
    this.#loop.immediate(() => this.#sink.closed(undefined));
  }

  secure(): undefined {}

  /** The errors of the replies since the last look. All are of requests without data. */
  errors(): number[] {
    const errors: number[] = [];
    for (let at = 0; at < this.received.length; at += 16) {
      errors.push(this.received.readUInt32BE(at + 4));
    }
    this.received = Buffer.alloc(0);
    return errors;
  }
}

export function serveByHand(...words: string[]) {
  return serveWith(createSlabAllocator(), ...words);
}

export async function serveWith(allocator: SlabAllocator, ...words: string[]) {
  const loop = new Loop();
  const timing = makeTiming({ now: () => nanoseconds(loop.now) }, loop, nanoseconds(0));
  const parameters = resolved('size=64', 'memory_backed=1', ...words);
  const warned: string[] = [];
  const warn = (_: object, line: string): void => void warned.push(line);
  const log = { debug: () => {}, info: () => {}, warn, error: warn };
  const { tree, server, devices, faults } = makeDataPath(
    { parameters, machine: MACHINE, log, faultSeed: 'test', debug: true },
    {
      ...{ timing, limits: withDefaults(), allocator },
      mark: 'test',
      openStream: () => bug('no client comes'),
      ...{ share: undefined, tls: undefined, tlsMode: 'off', notice: () => {} },
    },
  );
  await loop.until(tree.create('nullb0', new Map([['power', '1']])));
  /** A client of nullb0 that has agreed. */
  const connect = (name = 'nullb0'): HandClient => {
    let client: HandClient | undefined;
    void server.serve((sink) => {
      client = new HandClient(loop, sink);
      return client;
    });
    const made = client ?? bug('no client came');
    made.send(clientFlags(), encodeOption(Option.EXPORT_NAME, Buffer.from(name)));
    made.received = Buffer.alloc(0);
    return made;
  };
  return { loop, tree, server, devices, faults, warned, connect };
}
