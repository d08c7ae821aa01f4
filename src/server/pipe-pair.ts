/** Two pipes as the one stream that TLS wants. They are read into the reader's memory, which cannot be
 *  changed later: so bytes are copied from there to the stream. */

import type net from 'node:net';
import { Duplex } from 'node:stream';

/** The callbacks of a socket that is read; see `ByteSink`. */
export interface Reader {
  target(): Uint8Array;
  received(length: number): boolean;
}

const READ_BYTES = 65_536;

/** A reader whose bytes another reader may get from some moment on. */
export class DivertibleReader implements Reader {
  #to: Reader;
  #pair: PipePair | undefined;
  /** Where the current read puts its bytes: it may have begun for the former reader. */
  #target: Uint8Array = new Uint8Array(0);

  constructor(to: Reader) {
    this.#to = to;
  }

  divert(pair: PipePair): void {
    this.#pair = pair;
    const place = new Uint8Array(READ_BYTES);
    this.#to = { target: () => place, received: () => false };
  }

  target(): Uint8Array {
    this.#target = this.#to.target();
    return this.#target;
  }

  received(length: number): boolean {
    if (this.#pair === undefined) return this.#to.received(length);
    return this.#pair.push(this.#target.slice(0, length));
  }
}

export class PipePair extends Duplex {
  readonly #source: net.Socket;
  readonly #drain: net.Socket;

  /** @param reader the reader of `source`; nothing is read before the pair is. */
  constructor(reader: DivertibleReader, source: net.Socket, drain: net.Socket) {
    super();
    this.#source = source;
    this.#drain = drain;
    reader.divert(this);
    source.on('end', () => this.push(null));
    for (const way of [source, drain]) way.on('error', (error) => this.destroy(error));
    drain.on('close', () => this.destroy());
  }

  override _read(): void {
    this.#source.resume();
  }

  override _write(chunk: Uint8Array, _: string, taken: (error?: Error | null) => void): void {
    this.#drain.write(chunk, taken);
  }

  override _final(done: () => void): void {
    this.#drain.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#source.destroy();
    this.#drain.destroy();
    done(error);
  }
}
