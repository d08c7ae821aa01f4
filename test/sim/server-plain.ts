/** The server's end of a connection as the stream that node:tls wants. What that does it does in ticks and
 *  immediates of Node's own, which the world lets run out before anything else happens: so the order of all
 *  follows from the seed, and so do the lengths of what is encrypted, if not its bytes. */

import { Duplex } from 'node:stream';
import type { ByteSink, ByteStream, TlsSink } from '../../src/server/byte-stream.ts';
import { failureOf } from './failure.ts';
import type { World } from './world.ts';

const READ_BYTES = 65_536;

/** Encrypted bytes in and out. */
export class ServerPlain extends Duplex {
  readonly #world: World;
  readonly #stream: ByteStream;
  /** Called when the write before was taken. */
  #taken: (() => void) | undefined;

  constructor(world: World, stream: ByteStream) {
    super();
    this.#world = world;
    this.#stream = stream;
  }

  /** What `stream` tells from now on. */
  sink(): ByteSink {
    const world = this.#world;
    const place = new Uint8Array(READ_BYTES);
    return {
      target: () => place,
      received: (length) => {
        world.ticks();
        return this.push(place.slice(0, length));
      },
      ended: () => {
        world.ticks();
        this.push(null);
      },
      written: () => {
        world.ticks();
        const taken = this.#taken;
        this.#taken = undefined;
        taken?.();
      },
      closed: (reason) => {
        world.ticks();
        this.destroy(reason === undefined ? undefined : systemError(reason));
      },
    };
  }

  override _read(): void {
    this.#world.ticks();
    this.#stream.resume();
  }

  override _write(chunk: Uint8Array, _: string, taken: () => void): void {
    this.#world.ticks();
    if (this.#stream.write([chunk])) taken();
    else this.#taken = taken;
  }

  override _final(done: () => void): void {
    this.#world.ticks();
    this.#stream.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#world.ticks();
    this.#stream.destroy();
    done(error);
  }
}

/** @param reason as Node says it: `read ECONNRESET`. */
function systemError(reason: string): Error {
  const [syscall, code] = reason.split(' ');
  return Object.assign(new Error(reason), { syscall, code });
}

/** The daemon as node:tls calls it: what it throws there nobody would catch.
 *  @param took is called when it takes bytes. */
export function caught(world: World, sink: TlsSink, took: () => void): TlsSink {
  const attempt = <T>(work: () => T, otherwise: T): T => {
    world.ticks();
    try {
      return work();
    } catch (error) {
      world.fail(failureOf(error));
      return otherwise;
    }
  };
  return {
    target: () => sink.target(),
    received: (length) => {
      took();
      return attempt(() => sink.received(length), false);
    },
    ended: () => attempt(() => sink.ended(), undefined),
    written: () => attempt(() => sink.written(), undefined),
    closed: (reason, fault) => attempt(() => sink.closed(reason, fault), undefined),
    cutOff: (reason) => attempt(() => sink.cutOff(reason), undefined),
  };
}

/** A stream over TLS: whatever is asked of it goes on in ticks. */
export class TicksOf implements ByteStream {
  readonly remoteAddress: string | undefined;
  readonly #world: World;
  readonly #stream: ByteStream;

  constructor(world: World, stream: ByteStream) {
    this.remoteAddress = stream.remoteAddress;
    this.#world = world;
    this.#stream = stream;
  }

  get unsent(): number {
    return this.#stream.unsent;
  }

  write(parts: readonly Uint8Array[]): boolean {
    this.#world.ticks();
    return this.#stream.write(parts);
  }

  pause(): void {
    this.#world.ticks();
    this.#stream.pause();
  }

  resume(): void {
    this.#world.ticks();
    this.#stream.resume();
  }

  end(): void {
    this.#world.ticks();
    this.#stream.end();
  }

  destroy(): void {
    this.#world.ticks();
    this.#stream.destroy();
  }

  secure(): undefined {
    return undefined;
  }
}
